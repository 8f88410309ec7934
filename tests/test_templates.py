import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from unite.templates import code, escape_markdown, html_environment, markdown_environment

PACKAGE = "unite.comparison"  # of which no template is used here


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a|b", r"a\|b"),
        ("`code`", r"\`code\`"),
        ("back\\slash", r"back\\slash"),
        ("<script>", r"\<script>"),
        ("</b><!-- -->", r"\</b>\<!-- -->"),
        ("one\r\n\ntwo", "one two"),
        ("p <0.001", "p <0.001"),
        ("x < y", "x < y"),
        ("3 > 2 & *_#", "3 > 2 & *_#"),
        (3, "3"),
        (Markup("<b>|"), "<b>|"),
    ],
)
def test_markdown_is_escaped(value, text):
    assert escape_markdown(value) == text
    template = markdown_environment(PACKAGE).from_string("{% macro cell(x) %}| {{ x }} |{% endmacro %}{{ value }}{{ cell(value) }}")
    assert template.render(value=value) == f"{text}| {text} |"  # once, also through a macro


@pytest.mark.parametrize(
    ("value", "text"), [("a.b", "`a.b`"), ("a|b", r"`a\|b`"), ("a`b", "`` a`b ``"), ("``a`", "``` ``a` ```"), ("<b>\n", "`<b> `")]
)
def test_markdown_code(value, text):
    assert code(value) == text
    assert markdown_environment(PACKAGE).from_string("{{ value | code }}").render(value=value) == text


def test_html_is_escaped_in_text_and_attributes():
    template = html_environment(PACKAGE).from_string('{% macro a(x) %}<a title="{{ x }}">{{ x }}</a>{% endmacro %}{{ a(value) }}')
    assert template.render(value="<\"'&") == '<a title="&lt;&#34;&#39;&amp;">&lt;&#34;&#39;&amp;</a>'


@pytest.mark.parametrize("environment", [html_environment, markdown_environment])
def test_a_name_that_is_not_defined_is_an_error(environment):
    template = environment(PACKAGE).from_string("{{ there }}{{ missing }}")
    with pytest.raises(UndefinedError, match="'missing' is undefined"):
        template.render(there=1)


def test_filters_have_the_names_of_their_functions():
    def doubled(value):
        return 2 * value

    assert html_environment(PACKAGE, [doubled]).from_string("{{ value | doubled }}").render(value=4) == "8"
