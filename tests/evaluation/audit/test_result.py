import pytest

from unite.evaluation.audit.association import Association
from unite.evaluation.audit.result import NamedAssociation, told_association


@pytest.mark.parametrize(
    ("effect", "p", "told"),
    [(0.4, 0.01, "man nearer to code, woman to care"), (-0.4, 0.01, "woman nearer to code, man to care"), (-0.4, 0.3, "not told apart")],
)
def test_a_group_is_nearer_only_where_the_test_tells_so(effect, p, told):
    found = Association(effect, (effect - 0.1, effect + 0.1), p, (3, 3), 3, True)
    named = NamedAssociation("work", "gender", ("man", "woman"), ("code", "care"), found)
    between = f"({effect - 0.1:+.2f} to {effect + 0.1:+.2f})"
    assert told_association(named) == f"man and woman with code and care: effect {effect:+.2f} {between}, p {p:.4f}; {told}"
