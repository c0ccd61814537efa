"""Optimizers over 20 steps, schedules over 30, clipping."""

from agreement import cases, given
from both import clipped, descend, kept, rates, using
from drawing import of

PROBLEM = given(x_=of(6, 4), y_=of(6, 2))
EXACT = given(x_=of(6, 4, dtype="float64"), y_=of(6, 2, dtype="float64"))
OPTIMIZERS = (
    "t.optim.SGD(p)",
    "t.optim.SGD(p, 0.1)",
    "t.optim.SGD(p, lr=0.05, momentum=0.9)",
    "t.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)",
    "t.optim.SGD(p, 0.1, 0.5, 0.3)",
    "t.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True)",
    "t.optim.SGD(p, 0.1, weight_decay=0.2)",
    "t.optim.SGD(p, 0.1, 0.8, 0.1, 0.05)",
    "t.optim.Adam(p)",
    "t.optim.Adam(p, 0.05)",
    "t.optim.Adam(p, lr=0.05, betas=(0.7, 0.9), eps=1e-3, weight_decay=0.1)",
    "t.optim.AdamW(p)",
    "t.optim.AdamW(p, 0.05)",
    "t.optim.AdamW(p, lr=0.05, betas=(0.5, 0.99), eps=1e-6, weight_decay=0.3)",
    "t.optim.RMSprop(p)",
    "t.optim.RMSprop(p, 0.02, 0.9)",
    "t.optim.RMSprop(p, lr=0.02, momentum=0.8)",
    "t.optim.RMSprop(p, lr=0.02, alpha=0.8, eps=1e-4, weight_decay=0.1, momentum=0.5)",
    "t.optim.Adam(p, betas=(0.0, 0.0), lr=0.01)",
    "t.optim.SGD(p, 0.01, maximize=True)",
    "t.optim.SGD(p, 0.01, weight_decay=0.5, maximize=True)",
    "t.optim.SGD(p, 0.01, 0.8, 0.1, 0.5, maximize=True)",
    "t.optim.SGD(p, 0.01, momentum=0.8, weight_decay=0.5, nesterov=True, maximize=True)",
    "t.optim.Adam(p, lr=0.02, amsgrad=True)",
    "t.optim.Adam(p, lr=0.05, betas=(0.7, 0.5), weight_decay=0.1, amsgrad=True)",
    "t.optim.Adam(p, lr=0.02, maximize=True)",
    "t.optim.Adam(p, lr=0.02, weight_decay=0.5, maximize=True)",
    "t.optim.Adam(p, 0.02, (0.7, 0.5), 1e-6, 0.5, True, maximize=True)",
    "t.optim.AdamW(p, lr=0.05, betas=(0.7, 0.5), amsgrad=True)",
    "t.optim.AdamW(p, lr=0.02, weight_decay=0.5, maximize=True)",
    "t.optim.AdamW(p, 0.02, (0.7, 0.5), 1e-6, 0.5, True, maximize=True)",
    "t.optim.RMSprop(p, lr=0.005, centered=True)",
    "t.optim.RMSprop(p, 0.005, 0.9, 1e-4, 0.1, 0.5, True)",
    "t.optim.RMSprop(p, lr=0.005, weight_decay=0.5, maximize=True)",
    "t.optim.RMSprop(p, 0.005, 0.9, 1e-4, 0.5, 0.5, True, maximize=True)",
    "t.optim.Adam([{'params': p[:2], 'amsgrad': True}, {'params': p[2:], 'maximize': True}], lr=0.02)",
    "t.optim.RMSprop([{'params': p[:2], 'centered': True}, {'params': p[2:], 'maximize': True}], lr=0.005)",
    "t.optim.SGD([{'params': p[:1], 'lr': 0.2}, {'params': p[1:], 'momentum': 0.9}], lr=0.05)",
    "t.optim.Adam([{'params': p[:2], 'lr': 0.01, 'betas': (0.5, 0.6)}, {'params': p[2], 'weight_decay': 0.3}], lr=0.05)",  # noqa: E501
    "t.optim.AdamW([{'params': p[2:]}, {'params': p[:1], 'weight_decay': 0.5}], lr=0.02)",
    "t.optim.RMSprop([{'params': p[:1], 'alpha': 0.5}, {'params': p[1:3], 'momentum': 0.9}], lr=0.02)",
)
GRADIENTS = given(a_=of(3, 4), b_=of(5), c_=of())

TEXT = "; ".join(f"descend(t, x_, y_, lambda p: {each})" for each in OPTIMIZERS)
KEPT = "; ".join(f"kept(t, x_, y_, lambda p: {each})" for each in OPTIMIZERS)

CASES = [
    *cases("steps", using(PROBLEM, descend), TEXT, loose=2),  # 20 roundings, of parameters around 1
    *cases("steps float64", using(EXACT, descend), TEXT),
    *cases("state", using(EXACT, kept), KEPT),  # in float64, since momenta cancel
    *cases(
        "schedule",
        using(given(), rates),
        """
        rates(t, lambda o: t.optim.lr_scheduler.StepLR(o, 4))
        rates(t, lambda o: t.optim.lr_scheduler.StepLR(o, step_size=7, gamma=0.5))
        rates(t, lambda o: t.optim.lr_scheduler.ExponentialLR(o, 0.9))
        rates(t, lambda o: t.optim.lr_scheduler.ExponentialLR(o, gamma=1.05))
        rates(t, lambda o: t.optim.lr_scheduler.CosineAnnealingLR(o, 30))
        rates(t, lambda o: t.optim.lr_scheduler.CosineAnnealingLR(o, T_max=10, eta_min=0.01))
        rates(t, lambda o: t.optim.lr_scheduler.LinearLR(o))
        rates(t, lambda o: t.optim.lr_scheduler.LinearLR(o, 0.1, 0.8, 12))
        rates(t, lambda o: t.optim.lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=20))
        rates(t, lambda o: t.optim.lr_scheduler.LambdaLR(o, lambda e: 0.9 ** e))
        rates(t, lambda o: t.optim.lr_scheduler.LambdaLR(o, [lambda e: 1 / (e + 1), lambda e: e]))
        """,
    ),
    *cases(
        "schedules in turn",
        using(given(), rates),
        """
        rates(t, lambda o: t.optim.lr_scheduler.SequentialLR(o, [t.optim.lr_scheduler.LinearLR(o, 0.1, 1.0, 5), t.optim.lr_scheduler.CosineAnnealingLR(o, 20)], [5]))
        rates(t, lambda o: t.optim.lr_scheduler.SequentialLR(o, [t.optim.lr_scheduler.StepLR(o, 3), t.optim.lr_scheduler.ExponentialLR(o, 0.9), t.optim.lr_scheduler.LinearLR(o)], milestones=[8, 20]))
        """,  # noqa: E501  one expression
    ),
    *cases(
        "clip",
        using(GRADIENTS, clipped),
        """
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p, 1.0), a_, b_, c_)
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p, 100.0), a_, b_)
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p, max_norm=0.5, norm_type=1), a_, b_, c_)
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p[0], 0.1), a_)
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p, 0.3, float('inf')), a_, b_, c_)
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p, 0.3, 3.0), a_, b_, c_)
        clipped(t, lambda p: t.nn.utils.clip_grad_value_(p, 0.5), a_, b_, c_)
        clipped(t, lambda p: t.nn.utils.clip_grad_value_(p[1], clip_value=0.1), a_, b_)
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_([], 1.0))
        clipped(t, lambda p: t.nn.utils.clip_grad_norm_(p, 1.0), a_ * float('inf'), b_)
        """,
    ),
]
