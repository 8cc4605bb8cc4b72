"""What the settings of a run may be: the choices of its config, each with a line of plain language."""

from __future__ import annotations

from lt_core.datasets.splits import METHOD_LABELS, METHODS
from lt_core.params import Choice, Integer, Real

SAMPLERS = Choice(
    ("plain", "class-aware", "square-root", "repeat-factor"),
    labels=(
        "plain: every image once an epoch",
        "class-aware: a class first, then one of its images",
        "square-root: classes by the root of their counts",
        "repeat-factor: images of rare classes more often",
    ),
    help="Class-aware sampling shows rare classes as often as common ones; DB was made for it.",
)
SPLIT_METHODS = Choice(
    METHODS,
    labels=tuple(METHOD_LABELS[method] for method in METHODS),
    help="How the parts are drawn that the data set does not have.",
)
OPTIMIZERS = Choice(
    ("adamw", "sgd"),
    labels=("AdamW", "SGD with Nesterov momentum"),
    help="AdamW forgives a wrong learning rate; LDAM and most long-tail papers used SGD, with a rate 10 to 100 times "
    "higher.",
)
SCHEDULES = Choice(
    ("cosine", "constant", "step"),
    labels=("cosine: falls to zero", "constant", "step: a tenth at 2/3 and 8/9"),
    help="How the learning rate falls after the warm-up.",
)
STAGES = Choice(
    ("one", "drw", "drs", "crt"),
    labels=(
        "one: the same from start to end",
        "drw: class weights in the last epochs (LDAM-DRW)",
        "drs: class-aware sampling in the last epochs",
        "crt: a new classifier on a frozen backbone (cRT)",
    ),
    help="Learn the images first and the rare classes later: deferred re-weighting or re-sampling (Cao et al., 2019), "
    "or decoupled classifier re-training (Kang et al., 2020).",
)
METRICS = Choice(
    ("ap_macro", "ap_tail", "f1_macro", "f1_tail", "val_loss"),
    labels=("macro AP", "AP of the tail", "macro F1 at 0.5", "F1 of the tail at 0.5", "validation loss"),
    help="What the best epoch is best at, and early stopping waits for; always on the validation part, and in the last "
    "stage where there are two.",
)
HEADS = Choice(
    ("linear", "cosine"),
    labels=("linear", "cosine: normalised features and weights"),
    help="LDAM was made for the cosine head: margins mean little on logits without a bound.",
)
FREEZES = Choice(
    ("none", "half", "backbone"),
    labels=("nothing", "the first half of the backbone", "all but the classifier"),
    help="Frozen layers keep their weights; sensible only with pretrained ones.",
)
AUGMENTS = Choice(
    ("none", "radiograph", "dermoscopy", "fundus"),
    labels=(
        "none",
        "radiograph: small moves, no mirror",
        "dermoscopy: any turn, mirror, colour",
        "fundus: small turns, light",
    ),
    help="Random changes of the training images that leave their findings what they are.",
)
PRECISIONS = Choice(
    ("auto", "float32", "bfloat16", "float16"),
    labels=("auto: bfloat16 on a GPU that has it", "float32", "bfloat16", "float16 with a scaled loss"),
    help="Of the network; losses are always computed in float32.",
)
LAYOUTS = Choice(
    ("auto", "channels_last", "contiguous"),
    labels=("auto: what a short probe finds faster", "channels last", "contiguous"),
    help="How images lie in memory: which is faster depends on the backbone; results differ by rounding only.",
)
COMPILES = Choice(
    ("off", "auto", "on"),
    labels=("off", "auto: where a probe finds that it pays for this run", "on: torch.compile"),
    help="Slower to start, often faster afterwards; auto only where the run is long enough to earn that back. Needs a "
    "C compiler on a processor.",
)
CHANNELS = Choice(
    ("images", "1", "3"),
    labels=("as the images have", "1: grey", "3: colour"),
    help="Input channels of the network; grey images are repeated, colour ones averaged to luma.",
)
BAD_IMAGES = Choice(
    ("refuse", "leave-out"),
    labels=("refuse: say which, and train nothing", "leave out: train without them"),
    help="What to do where images cannot be read. Those left out are counted in a note, and named in dataset.json.",
)
REDUCTIONS = Choice(("authors", "mean", "batch", "sum"), help="How the cells of a batch become one number.")
DEVICES = Choice(("auto", "cuda", "mps", "cpu"), help="auto is CUDA where there is one, else MPS, else the processor.")
PROCESSES = Integer(
    1,
    64,
    help="Processes that train one model together, each on a device of its own with its share of every batch.",
)
SELECTS = Choice(
    ("best", "last"),
    labels=("best on validation", "last"),
    help="Which epoch is reported: the best by the metric below on validation, or the last.",
)
EPOCHS = Integer(1, 1000, help="Passes over the training part.")
LEARNING_RATE = Real(1e-6, 1.0, step=1e-4, help="Peak of the schedule, reached after the warm-up.")
WEIGHT_DECAY = Real(0, 1, step=0.01, help="Decoupled in AdamW, an L2 penalty in SGD; not on biases and norms.")
MOMENTUM = Real(0, 0.999, step=0.01, help="Of SGD (Nesterov); AdamW has its own.")
BATCH_SIZE = Integer(2, 4096, help="Images a step; a set of fewer than 1,000 images learns better with 16.")
ACCUMULATE = Integer(
    1, 64, help="In how many pieces a batch goes through the network; the loss still sees the whole batch."
)
SEED = Integer(0, 2**31 - 1, help="Of the parts, the first weights and the order of images.")
WARMUP = Real(0, 0.5, step=0.01, help="Share of the steps over which the learning rate rises.")
CLIP = Real(0, 1000, step=0.5, help="Largest norm of the gradient of all weights together; 0 is off.")
EMA = Real(0, 0.9999, step=0.001, help="Decay of the moving average of the weights that is evaluated; 0 is off.")
SMOOTHING = Real(0, 0.5, step=0.01, help="Label smoothing, where the loss allows it; 0 is off.")
MIXUP = Real(0, 2, step=0.1, help="Mixup: alpha of the Beta distribution, where the loss allows it; 0 is off.")
DEFERRED_FROM = Real(0.05, 0.95, step=0.05, help="After which share of the epochs the second stage begins.")
DEFERRED_BETA = Real(
    0, 0.99999, step=0.0001, help="Of deferred re-weighting: weights are (1 - beta) / (1 - beta^n), mean 1."
)
PATIENCE = Integer(0, 1000, help="Stop after so many epochs without a better one; 0 is off.")


def reported_by(select: str, metric: str) -> str:
    """Return in words by what the epoch that is reported was chosen: ``select`` and ``metric`` of a config."""
    if select != "best":
        return "the last"
    title = dict(zip(METRICS.options, METRICS.labels, strict=True)).get(metric, metric)
    return f"lowest {title}" if metric == "val_loss" else f"best {title} on validation"
