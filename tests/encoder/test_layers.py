from torch import nn

from unite.encoder.layers import layers_of


def test_layers_are_the_items_of_the_outermost_lists():
    inner = nn.ModuleList([nn.Linear(1, 1)])
    layers = [nn.Sequential(inner), nn.Linear(2, 2)]
    model = nn.ModuleDict({"tower": nn.ModuleDict({"blocks": nn.ModuleList(layers)}), "merger": nn.Linear(3, 3)})
    assert list(layers_of(model)) == layers
