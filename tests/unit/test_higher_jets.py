"""Derivatives of third and fourth order against nested automatic differentiation."""

import itertools

import numpy as np
import pytest
import torch

from core.config import MLP, Fourier
from core.errors import LabError
from core.forms import Layout, biharmonic, derivative, laplacian
from core.jets import Jet, chebyshev, chebyshev_sums, coordinates, cos_sin, stack
from core.networks.layers import fourier, mlp

FUNCTIONS = {
    "sin": lambda u: u.sin(),
    "cos": lambda u: u.cos(),
    "exp": lambda u: u.exp(),
    "log": lambda u: (u * u + 1.5).log(),
    "sqrt": lambda u: (u * u + 1.5).sqrt(),
    "asinh": lambda u: u.asinh(),
    "tanh": lambda u: u.tanh(),
    "square": lambda u: u**2,
    "fifth power": lambda u: u**5,
    "real power": lambda u: (u * u + 1.5) ** -1.5,
    "reciprocal": lambda u: (u * u + 1.5).reciprocal(),
}
INNER = {
    1: lambda x: x * x - x * 0.7,
    2: lambda x, y: x * y + x * x * 0.3 - y,
    3: lambda x, y, z: x * y * z + y * y * 0.5 - z * x,
}
FORMS = {
    "plate": biharmonic(2),
    "laplacian": laplacian(2),
    "mixed orders": ((0, 0, -2.0), (0, 0, 1, 0.5), (1, 1, 1, 1, 3.0)),
    "xxy": derivative(0, 1, 0),
}


def whole(dimension, order=4):
    """A layout of all derivatives up to an order, each a form of its own."""
    parts = (part for n in range(2, order + 1) for part in itertools.combinations_with_replacement(range(dimension), n))
    return Layout.of(dimension, {str(part): derivative(*part) for part in parts})


def points_in(dimension, count=7):
    return torch.rand(count, dimension, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1


def nested(function, points, layout):
    """The jet of a function of tensors (n,), differentiated again and again."""
    at = points.clone().requires_grad_()
    value = function(*at.unbind(1))

    def derived(part):
        found = value
        for i in part:
            (slopes,) = torch.autograd.grad(found.sum(), at, create_graph=True, materialize_grads=True)
            found = slopes[:, i]
        return found.detach()

    return Jet.of(layout, derived)


def check(function, layout):
    """A function by jets is what nested differentiation gives; the jet."""
    points = points_in(layout.dimension)
    found = function(*coordinates(points, layout))
    torch.testing.assert_close(found.data, nested(function, points, layout).data, rtol=1e-11, atol=1e-10)
    return found


@pytest.mark.parametrize("dimension", [1, 2])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, dimension):
    check(lambda *x: FUNCTIONS[name](INNER[dimension](*x)), whole(dimension))


def long(*x):
    """A function in which products, compositions and quotients meet."""
    u = INNER[len(x)](*x)
    return (u * 0.8).sin() * (u * u + 1).log() * x[-1] + (u.exp() + 1).reciprocal() * 2


@pytest.mark.parametrize("order", [3, 4])
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_products_and_compositions(dimension, order):
    check(long, whole(dimension, order))


def test_named_operators_are_sums_of_derivatives():
    found, every = check(long, Layout.of(2, FORMS)), check(long, whole(2))
    for name, form in FORMS.items():
        torch.testing.assert_close(found.form(name), sum(c * every.derivative(*term) for *term, c in form))
    torch.testing.assert_close(found.derivative(1, 0, 0), found.form("xxy"))
    with pytest.raises(KeyError, match=r"0, 0, 0, 0"):
        found.derivative(0, 0, 0, 0)


def test_a_layout_has_what_lies_below_its_forms_and_no_more():
    korteweg = Layout.of(2, {"xxx": derivative(0, 0, 0)})
    assert korteweg.partials == ((0, 0),)
    assert (korteweg.components, korteweg.order) == (5, 3)
    assert Layout.of(2, {"xx": derivative(0, 0), "xxx": derivative(0, 0, 0)}).partials == ()
    plate = Layout.of(2, {"plate": biharmonic(2)})
    assert plate.partials == ((0, 0), (0, 1), (1, 1), (0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 1, 1))
    assert plate.components == 11
    assert Layout.of(2, {"laplacian": laplacian(2), "xy": derivative(0, 1)}).partials == ()
    assert Layout.of(3, {}).components == 4


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (derivative(0, 0, 0, 0, 0), "order 5"),
        (((0, 1.0),), "order 1"),
        (derivative(0, 2), "outside of 0 … 1"),
        ((), "no terms"),
    ],
)
def test_what_is_no_form_is_said(form, said):
    with pytest.raises(LabError, match=said):
        Layout.of(2, {"odd": form})


def test_a_function_without_its_higher_derivatives_is_refused():
    (x,) = coordinates(points_in(1), whole(1))
    with pytest.raises(TypeError, match="order 4"):
        x.map(x.value, x.value, x.value)


@pytest.mark.parametrize("kind", ["tanh", "sine", "fourier"])
def test_networks(kind):
    generator = torch.Generator().manual_seed(1)
    if kind == "fourier":
        network = fourier(Fourier(features=7, hidden=(5,)), 1.5, 2, 1, generator)
        torch.nn.init.normal_(network.layers[-1].weight, generator=generator)
    else:
        network = mlp(MLP(hidden=(6, 5), activation=kind), 2, 1, generator)

    def plain(*x):
        a = torch.stack(x, dim=-1)
        if network.basis is not None:
            a = torch.cat([(a @ network.basis.T).cos(), (a @ network.basis.T).sin()], dim=-1)
        for layer in network.layers[:-1]:
            a = a @ layer.weight.T + layer.bias
            a = a.sin() if network.activation == "sine" else a.tanh()
        return (a @ network.layers[-1].weight.T + network.layers[-1].bias)[:, 0]

    layout, points = Layout.of(2, FORMS), points_in(2)
    found = network(stack(coordinates(points, layout))).data[..., 0]
    torch.testing.assert_close(found, nested(plain, points, layout).data, rtol=1e-11, atol=1e-10)


def test_polynomials():
    degrees, layout, points = (9, 6), Layout.of(2, FORMS), points_in(2)
    weight = torch.randn(1, int(np.prod(degrees)), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = stack(coordinates(points, layout))
    sums, products = chebyshev_sums(x, degrees, weight), chebyshev(x, degrees)
    torch.testing.assert_close(products.data @ weight.T, sums.data)

    def plain(*x):
        angles = zip(map(torch.acos, x), degrees, strict=True)
        one, other = (torch.stack([(k * angle).cos() for k in range(n)], dim=-1) for angle, n in angles)
        return (one[:, :, None] * other[:, None, :]).flatten(1) @ weight[0]

    torch.testing.assert_close(sums.data[..., 0], nested(plain, points, layout).data, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("bent", [0, 1], ids=["straight", "bent"])
def test_cosine_and_sine_together_are_each_by_itself(bent):
    layout = Layout.of(2, FORMS | {"nothing": ((0, 0, 1.0), (0, 0, -1.0))})
    x, y = coordinates(points_in(2), layout)
    one, other = x * 2 - y + x * y * bent, x + y * 3
    alone = stack([one.cos(), other.cos(), one.sin(), other.sin()])
    torch.testing.assert_close(cos_sin(stack([one, other])).data, alone.data)


def test_features_are_differentiated_forward_where_what_they_read_is_straight():
    """At its turning point x³ looks straight; the slopes of its derivatives are not."""
    layout = Layout.of(1, {"xxxx": derivative(0, 0, 0, 0)})

    def features(points):
        (x,) = coordinates(points, layout)
        return cos_sin(stack([x**3 + x])).data

    points, step = torch.zeros(1, 1, dtype=torch.float64), 1e-6
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(points, torch.ones_like(points))
        slope = torch.autograd.forward_ad.unpack_dual(features(dual)).tangent
    torch.testing.assert_close(
        slope, (features(points + step) - features(points - step)) / (2 * step), rtol=0, atol=1e-6
    )
