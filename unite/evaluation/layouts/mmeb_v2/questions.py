r"""Questions: a video and a question with its options in one text, and the options as candidates, each row's against one another.

    <video> Given a video ... Question:  What is it?\nOptions:\n(A) a cat\n(B) a dog

The prompt ends in a blank, and a blank follows. How options are written, and what of them is a candidate, is each data set's own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from unite.evaluation.layouts.mmeb_v2.rows import Asked, VideoTask, name_of, text_of, texts_of, value_of, written
from unite.evaluation.layouts.source import BenchmarkFiles

#: The subsets of MVBench, a table and a folder of frames each, in the order in which they are joined.
MVBENCH = (
    *("episodic_reasoning", "action_sequence", "action_prediction", "action_antonym", "fine_grained_action", "unexpected_action"),
    *("object_existence", "object_interaction", "object_shuffle", "moving_direction", "action_localization", "scene_transition"),
    *("action_count", "moving_count", "moving_attribute", "state_change", "fine_grained_pose", "character_order"),
    *("egocentric_navigation", "counterfactual_inference"),
)


class Question(NamedTuple):
    """A row of a data set.

    Attributes:
        video: its folder of frames.
        text: the question with its options, as the query has them.
        options: name -> text of each candidate.
        right: the name of the right one.
        key: as of `Asked`.
    """

    video: str
    text: str
    options: dict[str, str]
    right: str
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Questions(VideoTask):
    """Base of the data sets; `query_instruction` is their prompt."""

    is_local: ClassVar[bool] = True

    @abstractmethod
    def question(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Question:
        """Returns a row. Raises DataError if it is not in the layout."""

    def ask(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Asked:
        """As of `VideoTask`."""
        video, text, options, right, key = self.question(files, row, where)
        if silent := [name for name, option in options.items() if not option.strip()]:
            raise files.broken(f"the options in {where}", "texts, none of them empty", repr(silent[0]))
        query = written(self.query_instruction, text, self.video(files, video))
        return Asked(query, {name: written("", option) for name, option in options.items()}, (right,), key)


@dataclass(frozen=True, kw_only=True)
class VideoMme(Questions):
    """Video-MME: options as they are, "A. Apples.", below the question; a candidate is one without letter and full stop."""

    columns: ClassVar[tuple[str, ...]] = ("question", "videoID", "options", "answer", "question_id")

    def question(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Question:
        """As of `Questions`."""
        options, answer = texts_of(files, row, "options", where), value_of(files, row, "answer", where)
        letters = "ABCD"[: len(options)]
        if answer not in list(letters):
            raise files.broken(f"answer in {where}", f"one of {', '.join(letters)}", answer)
        text = "\n".join([text_of(files, row, "question", where), *options])
        video, key = (name_of(files, row, column, where) for column in ("videoID", "question_id"))
        return Question(video, text, {option: _without_letter(option) for option in options}, options[letters.index(answer)], key)


@dataclass(frozen=True, kw_only=True)
class EgoSchema(Questions):
    """EgoSchema: as Video-MME's, with the options right behind the question, in one line."""

    columns: ClassVar[tuple[str, ...]] = ("video_idx", "question", "answer", "option", "question_idx")

    def question(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Question:
        """As of `Questions`."""
        options = texts_of(files, row, "option", where)
        text = text_of(files, row, "question", where) + " ".join(options)
        right = options[_index(files, row, len(options), where)]
        video, key = (name_of(files, row, column, where) for column in ("video_idx", "question_idx"))
        return Question(video, text, {one: _without_letter(one) for one in options}, right, key)


@dataclass(frozen=True, kw_only=True)
class NextQa(Questions):
    """NExTQA: five options, lettered in the query and as they are as candidates."""

    columns: ClassVar[tuple[str, ...]] = ("video", "question", "answer", "qid", "a0", "a1", "a2", "a3", "a4")

    def question(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Question:
        """As of `Questions`."""
        options = [name_of(files, row, f"a{number}", where) for number in range(5)]
        right = options[_index(files, row, len(options), where)]
        text = _lettered(text_of(files, row, "question", where), options)
        video, number = (name_of(files, row, column, where) for column in ("video", "qid"))  # a number within the video
        return Question(video, text, {one: one for one in options}, right, f"{video}/{number}")


@dataclass(frozen=True, kw_only=True)
class MvBench(Questions):
    """MVBench: twenty tables, `rows/MVBench/<subset>`; candidates keep their letters, "(A) yes", and their order in the row."""

    columns: ClassVar[tuple[str, ...]] = ("question", "video", "candidates", "answer")
    subsets: tuple[str, ...] = MVBENCH

    def read(self, files: BenchmarkFiles) -> list[Asked]:
        """As of `VideoTask`: one subset behind the other."""
        of_subset = {subset: replace(self, frames=f"{self.frames}/{subset}") for subset in self.subsets}
        return [one for subset, task in of_subset.items() for one in task.read_rows(files, f"rows/{self.stem}/{subset}")]

    def question(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Question:
        """As of `Questions`; of equal options the last is right, as in the published code."""
        options, answer = texts_of(files, row, "candidates", where), value_of(files, row, "answer", where)
        if answer not in options:
            raise files.broken(f"answer in {where}", "one of its candidates", answer)
        lettered = [f"({_letter(place)}) {option}" for place, option in enumerate(options)]
        right = lettered[len(options) - 1 - options[::-1].index(answer)]
        text = _lettered(text_of(files, row, "question", where), options)
        return Question(name_of(files, row, "video", where), text, {one: one for one in lettered}, right)

    @property
    def wanted(self) -> str:
        """As of `VideoTask`."""
        return super().wanted.replace(
            f"{self.stem}.parquet", f"{self.stem}/<subset>.parquet, one for each of the {len(self.subsets)} subsets"
        )


@dataclass(frozen=True, kw_only=True)
class ActivityNetQa(Questions):
    """ActivityNetQA: questions to be answered by yes or no."""

    columns: ClassVar[tuple[str, ...]] = ("video_name", "question", "answer", "question_id")

    def question(self, files: BenchmarkFiles, row: Mapping[str, Any], where: str) -> Question:
        """As of `Questions`."""
        answer = value_of(files, row, "answer", where)
        if answer not in ("yes", "no"):
            raise files.broken(f"answer in {where}", "yes or no", answer)
        text = f"{text_of(files, row, 'question', where)}? (A) yes; (B) no."
        video, key = (name_of(files, row, column, where) for column in ("video_name", "question_id"))
        return Question(f"v_{video}", text, {"yes": "yes", "no": "no"}, answer, key)


def _lettered(question: str, options: Sequence[str]) -> str:
    lines = "".join(f"({_letter(place)}) {option}\n" for place, option in enumerate(options))
    return f"{question}\nOptions:\n{lines}".rstrip()


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _without_letter(option: str) -> str:
    """Returns "Apples" of "A. Apples."; of one without a letter, as the published code does, what stands at its very end."""
    return option[option.find(". ") :].strip(". ")


def _index(files: BenchmarkFiles, row: Mapping[str, Any], num_options: int, where: str) -> int:
    """Returns the number of the right option, which may be written as a text."""
    answer = value_of(files, row, "answer", where)
    number = int(answer) if str(answer).isdecimal() else -1
    if not 0 <= number < num_options:
        raise files.broken(f"answer in {where}", f"from 0 to {num_options - 1}", answer)
    return number
