"""Arithmetic, comparison, choice and bounds, in place too."""

from agreement import cases, given
from drawing import anything, mask, of, pair, positive, special, ties, whole

from tinytorch.testing.draw import positive as above_zero

SAME = given(a=ties(3, 4), b=ties(4))
ONE = given(x=anything)
ODD = given(x=special(40))
TWO_ODD = given(x=special(30), y=special(30))
WHOLE = given(x=whole(-4, 5, 3, 4), y=whole(1, 4, 4), below=whole(-3, 0, 4), m=mask(4))
TRUTH = given(a=mask(3, 4), b=mask(4))
THREE = given(x=of(3, 4), y=of(3, 1), low=of(4), high=of(3, 1), number=of(), m=mask(4))
LEAF = given(x=of(3, 4), y=of(4), m=mask(4))

CASES = [
    *cases(
        "two",
        pair(),
        """
        a + b; a - b; a * b; t.add(a, b, alpha=3); a.sub(b, alpha=0.5); t.sub(a, b); t.mul(a, b)
        t.subtract(a, b); t.maximum(a, b); t.minimum(a, b); t.max(a, b); a.min(b); a.add(b).mul(a).sub(b)
        t.multiply(a, b)
        """,
    ),
    *cases(
        "divisor above zero",
        pair(second=above_zero),
        """
        a / b; t.div(a, b); a.true_divide(b); a.detach() // b.detach(); t.remainder(a, b); a % b
        t.floor_divide(a.detach(), 2)
        """,
    ),
    *cases("base above zero", pair(first=above_zero), "a ** b; t.pow(a, b); 2 ** b; 2.5 ** b; 1 ** b; a.pow(b)"),
    *cases(
        "equal ones",
        SAME,
        """
        a == b; a != b; a < b; a <= b; a > b; a >= b; a ** b; t.maximum(a, b); t.minimum(a, b)
        a.maximum(b).minimum(a); t.eq(a, b); t.ne(a, b); t.lt(a, b); t.le(a, b); t.gt(a, b); t.ge(a, b); a.eq(1)
        a.ne(b); a.lt(2); a.ge(b); a.clamp(0, 1); a.clamp(1, 2); a.clamp(1, 0); t.clip(a, 0.5, 1.5)
        t.clamp(a, min=1); t.clamp(a, min=b); a.abs()
        """,
    ),
    *cases(
        "one",
        ONE,
        """
        x + 1; x - 2.5; 1 - x; x * 3; -x; x.neg(); abs(x); t.abs(x); x.absolute(); x / 4; x * True; 1 + x; 2 * x
        2 / (x * x + 1); x ** 2; x ** 3; x ** 0; x ** 1; x.pow(4); x % 2; x.remainder(-1.5)
        t.floor_divide(x.detach(), 0.5); 5 // (x * x + 1).detach(); 7 % (x * x + 1).detach(); x.exp()
        t.expm1(x); t.sin(x); x.cos(); t.tanh(x); x.sigmoid(); x.sign(); t.square(x); x.floor(); t.ceil(x)
        t.round(x); x.round(decimals=1); x.clone(); x.detach(); t.clone(x); x.double(); x.to(t.float64) * 2
        x.half(); x.long(); x.int(); x.bool(); x.float(); x.to(t.int16); x.to(x.long()); x == x; x != 0; x < 0.3
        x >= 0; t.isnan(x); t.isfinite(x); t.logical_not(x); x.isinf(); x.type(t.float64); x.add(1, alpha=2)
        x.sub(2, alpha=0.5); x.mul(2.0).div(3); x.contiguous(); x.data; x.requires_grad_(False) + 1
        x.masked_fill(x > 0, 0); t.where(x > 0, x, x * 0.1); t.where(x > 0, 1.0, 0.0); t.where(x > 0, 1, 0)
        t.neg(x); x.relu(); x.log_softmax(0); x.where(x > 0, -x); x.where(x > 0, 2.0); x.trunc()
        t.clamp_min(x, 0.2); x.clamp_max(0.2); x.negative(); x.type_as(x.double()); (x * 1).sigmoid_()
        x.new_full((2,), 3); (x > 0).count_nonzero()
        t.div(x, 0.3, rounding_mode='trunc'); t.div(x, 0.7); x.detach().div(0.3, rounding_mode='floor')
        x.ravel()
        """,
    ),
    *cases(
        "positive",
        given(x=positive),
        """
        x.log(); t.log1p(x); x.sqrt(); t.rsqrt(x); t.reciprocal(x); x ** -1; x ** 0.5; x ** 2.5; x ** -2; 1 / x
        x.log2(); t.log10(x); (x * x + 1).log().sqrt(); x.pow(-0.5); x.log().exp(); x.detach() // 0.7; x % 0.7
        """,
    ),
    *cases(
        "special",
        ODD,
        """
        x.exp(); x.log(); x.sqrt(); x.tanh(); x.sigmoid(); x.sign(); x.abs(); t.round(x); x.floor(); t.ceil(x)
        -x; x * 0; x / 0; x ** 2; x.detach() ** 0.5; x ** -1; x ** 0; 0 ** x.detach(); x % 2; x.detach() // 2
        x.isinf(); x.isnan(); t.isfinite(x); x.clamp(-1, 1); x.clamp(min=0); x.clamp(max=0.5)
        t.maximum(x, x * 0); t.minimum(x, -x); t.sin(x); t.cos(x); x == x; x != x; x < 1; x.bool()
        x.logical_not(); t.log1p(x); t.expm1(x); x.reciprocal(); x.rsqrt(); x.square(); t.logical_and(x, x > 0)
        x.detach() // 0; x % 0; x.round(decimals=2); t.where(x > 0, x, -x); x.masked_fill(x != x, 0); x.half()
        """,
    ),
    *cases(
        "two special",
        TWO_ODD,
        """
        x ** y; x / y; t.maximum(x, y); t.minimum(x, y); x.detach() // y.detach(); t.isclose(x, y); x == y
        x <= y; x > y; x - y; x * y; t.isclose(x, x, equal_nan=True); t.equal(x, y); t.equal(x, x)
        t.allclose(x, x, equal_nan=True); t.clamp(x.detach(), min=y.detach())
        """,
    ),
    *cases(
        "closeness",
        given(x=of(7), y=of(7)),
        """
        t.allclose(x, x + 1e-9); t.allclose(x, y); t.isclose(x, y, rtol=0.5, atol=0.1); t.equal(x, x)
        x.equal(y); 0.0 in x
        """,
    ),
    *cases(
        "three",
        THREE,
        """
        t.clamp(x, low, high); x.clamp(min=low); x.clamp(max=high); t.where(m, x, y); t.where(m, x, 0)
        t.where(m, 1.5, x); x.masked_fill(m, 2); t.where(x > 0, x, number); x.masked_fill(m, number)
        x.masked_fill(m, float('-inf')); t.where(x > 0, number, 2.0); x + number; number * x; x / number
        t.where(m, number, number); x.add(y, alpha=-1)
        """,
    ),
    *cases(
        "whole",
        WHOLE,
        """
        x + y; x - y; x * y; x / y; x // y; x % y; x ** y; x // below; x % below; t.maximum(x, y); x & y; x | y
        x ^ y; ~x; x.abs(); -x; x.sign(); x.exp(); x.sqrt(); x ** 2; x / 2; x // 2; 2 // (x * x + 1); x % 3
        x % -3; 3 % (x * x + 1); x.floor(); t.ceil(x); t.round(x); t.square(x); t.reciprocal(x); x.sigmoid()
        t.log1p(x); x.rsqrt(); x.tanh(); x.clamp(-1, 2); x.clamp(max=0.5); x.clamp(min=y); x * 1.5; x + True
        x > 0.5; 1 - x; x & 3; x | 1; 2 ** y; 1.5 ** y; x.masked_fill(m, 7); t.where(m, x, 1.5)
        t.where(m, x, 2); x == y; x < y; x != 1; 1 < x; x.logical_not(); x.bool(); t.logical_xor(x, y)
        x.isnan(); x.isinf(); t.isfinite(x); t.isclose(x, y); t.allclose(x, x); x ** 0.5; x.float() ** y; x ** 0
        x.sub(y, alpha=2); x.add(1, alpha=3); x / 0; x.min(y); x.div(y, rounding_mode='trunc'); x.trunc()
        t.div(x, below, rounding_mode='trunc'); t.div(x, y, rounding_mode='floor'); x.div(3, rounding_mode='trunc')
        x.roll(1); t.roll(x, (1, -2), (0, 1)); x.roll(-1, 0); x.roll(0, 0); x.roll(8, 1)
        x.swapaxes(0, 1); x.reshape_as(x.T)
        x.float().softmax(1); x.float().log_softmax(dim=-1); t.count_nonzero(x > 0, dim=1)
        x.unique(); t.unique(x, return_counts=True); x.unique(return_inverse=True); t.unique(x, dim=1)
        x.sum(dtype=t.int32); x.prod(1, dtype=t.int16); x.cumsum(0, dtype=t.int32); x.relu(); x.where(m, y)
        """,
    ),
    *cases(
        "truth",
        TRUTH,
        """
        a & b; a | b; a ^ b; ~a; t.logical_xor(a, b); a + b; a * b; a / b; a == b; a < b; a + 1; a * 2.5
        a.float(); a.sign(); t.logical_and(a, b); t.logical_or(a, b); a.long().exp(); t.logical_not(a); a ** 2
        a.exp(); a.sum(); a & True; 1 - a.int(); t.where(a, a, b); a.masked_fill(b, True); a != b
        a.logical_and(b); a > 0; t.maximum(a, b); a.minimum(b); a | False
        """,
    ),
    *cases(
        "in place",
        LEAF,
        """
        x.clone().add_(y); x.clone().add_(y, alpha=2); x.clone().sub_(1); x.clone().mul_(y); x.clone().div_(2)
        x.clone().pow_(2); x.clone().clamp_(-0.5, 0.5); x.clone().neg_(); x.clone().abs_(); x.clone().exp_()
        (x.abs() + 1).log_(); (x.abs() + 1).sqrt_(); x.clone().tanh_(); x.clone().fill_(3).detach()
        x.clone().zero_().detach(); (x * 0).copy_(y) + x; x.clone().masked_fill_(m, 0.5)
        x.clone().mul_(y).add_(x); x.clone().add_(x); (x + y).mul_(2).sub_(y); x.detach().add_(1)
        x.detach().mul_(y); x.clone().mul_(x); (x * 2).add_(1).tanh_(); x.clone().copy_(y).mul_(x)
        x.detach().fill_(2.5); x.detach().copy_(y); x.clone().div_(y.exp()).clamp_(min=0)
        x.detach().long().add_(1); x.clone().detach_(); x + (x * 2).zero_().add_(y)
        """,
    ),
]
