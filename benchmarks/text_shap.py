"""A picture of which words decide: text SHAP of both contenders on the same test reviews.

    .venv/bin/python benchmarks/contenders.py reviews.csv --salts 1 --keep DIRECTORY
    .venv-localaws/bin/python benchmarks/text_shap.py DIRECTORY PICTURES

`DIRECTORY` keeps the models and rows of the comparison. Explained by our analyzer are the first
two test reviews of each sentiment that have 15 to 35 words. Models are asked in this program, by the code of
their containers. Leaves `shap-autopilot.png` and `shap-blazingtext.png`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(CHECKOUT / "benchmarks"),
    str(CHECKOUT / "include/containers"),
    str(CHECKOUT / "include/containers/adapter"),
    str(CHECKOUT / "include/localaws/images"),
]

from analyzer import shap_text  # noqa: E402
from analyzer.config import Shap  # noqa: E402
from contenders_fit import best_candidate, rows  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Ask = Callable[[Sequence[str]], Any]

NAMES = {-1: "negative", 0: "neutral", 1: "positive"}
# Told apart by people with any colour vision: what pulls down is orange, what pushes up is blue.
DOWN, UP, INK, FAINT = (0.90, 0.49, 0.13), (0.20, 0.47, 0.76), "#1b2430", "#5d6b7a"
WIDTH, LINE, SIZE = 11.0, 0.30, 11.5
EACH = 2


def chosen_reviews(directory: Path) -> list[tuple[str, int]]:
    """The first test reviews of each sentiment that are of a length to read, with their sentiments."""
    _, _, texts = rows(directory)
    truth = json.loads((directory / "test_sentiments").read_text(encoding="utf-8"))
    found: dict[int, list[str]] = {sentiment: [] for sentiment in NAMES}
    for text, sentiment in zip(texts, truth, strict=True):
        if 15 <= len(text.split()) <= 35 and len(found[sentiment]) < EACH:
            found[sentiment].append(str(text))
    return [(text, sentiment) for sentiment, chosen in found.items() for text in chosen]


def blazingtext(directory: Path) -> Ask:
    """Probabilities (rows, 3) of raw texts: the serving adapter's words, then the model."""
    import fasttext

    from text_normalization import normalize

    model = fasttext.load_model(str(directory / "blazingtext/model/model.bin"))

    def ask(texts: Sequence[str]) -> Any:
        names, values = model.predict([normalize(text) for text in texts], k=len(NAMES))
        answers = np.zeros((len(texts), len(NAMES)))
        for row, (labels, probabilities) in enumerate(zip(names, values, strict=True)):
            for label, probability in zip(labels, probabilities, strict=True):
                answers[row, int(label.removeprefix("__label__")) + 1] = probability
        return answers / answers.sum(axis=1, keepdims=True)

    return ask


def autopilot(directory: Path) -> Ask:
    """Probabilities (rows, 3) of raw texts: the best candidate's data processor, then its algorithm."""
    processor, model, _ = best_candidate(directory)

    def ask(texts: Sequence[str]) -> Any:
        return model.predict_proba(processor.transform(np.array(texts, dtype=object).reshape(-1, 1)))

    return ask


def explain(ask: Ask, texts: list[str], samples: int) -> Any:
    """What the analyzer says of each text."""
    settings = Shap.model_validate(
        {"num_samples": samples, "seed": 0, "text_config": {"granularity": "token", "language": "en"}}
    )
    return shap_text.explain(
        [[text] for text in texts],
        ["review_body"],
        [""],
        lambda asked: ask([str(row[0]) for row in asked]),
        settings,
    )


def draw(title: str, reviews: list[tuple[str, int]], result: Any, path: Path) -> None:
    """Write each review with its words shaded by their pull between negative and positive."""
    from matplotlib import pyplot

    pulls = [row[0].attributions[:, 2] - row[0].attributions[:, 0] for row in result.rows]
    most = max(float(np.abs(pull).max()) for pull in pulls)
    figure = pyplot.figure(figsize=(WIDTH, 20), facecolor="white")
    canvas = Canvas(figure)
    canvas.write(title, bold=True)
    canvas.line(0.8)
    for shade, words in ((-1.0, " towards negative "), (1.0, " towards positive ")):
        canvas.write(words, shade=shade)
        canvas.skip(0.12)
    canvas.write(f"darkest: {most:.2f} of probability (positive less negative)", colour=FAINT)
    for (_, truth), row, pull, scores in zip(reviews, result.rows, pulls, result.scores, strict=True):
        canvas.line(1.75)
        said = int(np.argmax(scores)) - 1
        verdict = "right" if said == truth else f"wrong: its stars say {NAMES[truth]}"
        odds = ", ".join(f"{name} {scores[label + 1]:.2f}" for label, name in NAMES.items())
        canvas.write(f"{NAMES[said]} ({verdict})", bold=True)
        canvas.skip(0.15)
        canvas.write(odds, colour=FAINT)
        canvas.line()
        end = 0
        for chunk, value in zip(row[0].chunks, pull, strict=True):
            if chunk.start > end:
                canvas.skip(0.07)
            canvas.write(chunk.text, shade=float(value) / most)
            end = chunk.start + len(chunk.text)
    canvas.save(path)
    pyplot.close(figure)


class Canvas:
    """Words written one after another into a figure, from the top, in inches."""

    def __init__(self, figure: Any) -> None:
        """Take an empty figure, high enough."""
        self._figure = figure
        self._height = float(figure.get_figheight())
        self._x, self._y = 0.15, 0.3

    def write(self, word: str, *, shade: float = 0.0, bold: bool = False, colour: str = INK) -> None:
        """Write one word here, on the next line where it does not fit; `shade` of -1 (orange) to 1 (blue)."""
        base = np.array(UP if shade > 0 else DOWN)
        # Paler than its share would be, small pulls could not be seen.
        strength = min(1.0, abs(shade)) ** 0.7
        fill = tuple(1 - (1 - base) * strength)
        text = self._figure.text(
            0,
            0,
            word,
            fontsize=SIZE,
            color="white" if strength > 0.75 else colour,
            weight="bold" if bold else "normal",
            va="baseline",
            parse_math=False,
        )
        width = text.get_window_extent(self._figure.canvas.get_renderer()).width / self._figure.dpi
        if self._x + width > WIDTH - 0.15 and self._x > 0.15:
            self.line()
        text.set_position((self._x / WIDTH, 1 - self._y / self._height))
        if shade:
            self._fill(width, fill)
        self._x += width

    def _fill(self, width: float, colour: tuple[float, ...]) -> None:
        """Shade what stands behind the next `width` inches of this line."""
        from matplotlib.patches import Rectangle

        corner = self._x / WIDTH, 1 - (self._y + 0.06) / self._height
        size = width / WIDTH, 0.23 / self._height
        self._figure.add_artist(
            Rectangle(corner, *size, transform=self._figure.transFigure, color=colour, linewidth=0, zorder=0)
        )

    def skip(self, inches: float) -> None:
        """Leave a space."""
        self._x += inches

    def line(self, lines: float = 1.0) -> None:
        """Begin a line, lower by `lines` of them."""
        self._x, self._y = 0.15, self._y + lines * LINE

    def save(self, path: Path) -> None:
        """Write what is used of the figure as PNG."""
        from matplotlib.transforms import Bbox

        used = Bbox([[0, self._height - self._y - 0.2], [WIDTH, self._height]])
        self._figure.savefig(path, dpi=110, bbox_inches=used)


def main() -> None:
    """Explain and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--samples", type=int, default=2048)
    arguments = parser.parse_args()
    reviews = chosen_reviews(arguments.directory)
    arguments.pictures.mkdir(parents=True, exist_ok=True)
    for name, load in (("Autopilot", autopilot), ("BlazingText", blazingtext)):
        result = explain(load(arguments.directory), [text for text, _ in reviews], arguments.samples)
        path = arguments.pictures / f"shap-{name.lower()}.png"
        draw(f"{name}: which words decide", reviews, result, path)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
