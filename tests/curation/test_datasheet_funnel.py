from unite.curation.datasheet_funnel import colour_legend, funnel_steps, source_bars


def steps(*losses, rows=1000):
    """A funnel of steps named step_0, step_1, ... that lose so many rows."""
    made = []
    for at, loss in enumerate(losses):
        made.append({"step": f"step_{at}", "in": rows, "out": rows - loss, "dropped": {"b": loss - 1, "a": 1} if loss > 1 else {}})
        rows -= loss
    return made


def test_a_step_is_drawn_in_shares_of_what_came_first():
    first, second = funnel_steps(steps(250, 0))
    assert (first.name, first.kept, first.lost, first.reasons) == ("step 0", 75, 25, (("b", 249), ("a", 1)))
    assert (second.came, second.left, second.kept, second.lost, second.reasons) == (750, 750, 75, 0, ())
    assert funnel_steps(steps(0, rows=0))[0].kept == 0
    assert funnel_steps([]) == ()


def test_the_pieces_of_a_source_fill_its_bar():
    funnel = steps(100, 0, 300)
    sources = {"big": {"in": 1000, "out": 600, "funnel": funnel}, "none": {"in": 0, "out": 0, "funnel": steps(0, rows=0)}}
    big, none = source_bars(sources, funnel)
    assert [(piece.colour, piece.name, piece.rows) for piece in big.pieces] == [
        ("kept", "kept", 600),
        ("loss0", "step 0", 100),
        ("loss1", "step 2", 300),
    ]
    assert [(piece.start, piece.width) for piece in big.pieces] == [(0, 60), (60, 10), (70, 30)]
    assert (big.share, none.share, none.left) == (0.6, None, 0)
    assert [piece.width for piece in none.pieces] == [0]


def test_the_steps_that_cost_most_have_colours_of_their_own():
    legend = colour_legend(steps(1, 9, 2, 8, 7, 6, 5, 4, 3, 10))
    assert [colour for colour, _, _ in legend] == ["kept", *(f"loss{at}" for at in range(8)), "rest"]
    assert legend[1][1:] == ("step 1", 9) and legend[-1] == ("rest", "other steps", 3)
    assert colour_legend(steps(0)) == (("kept", "kept", 0),)
