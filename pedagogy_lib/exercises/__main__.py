"""The class kit from the command line: ``python -m pedagogy_lib.exercises --help``."""

import argparse
import sys
from pathlib import Path

from .classroom import copies, exports, grading, rubrics


def parser():
    """What the command takes."""
    made = argparse.ArgumentParser(prog="python -m pedagogy_lib.exercises", description=__doc__.split(":")[0])
    actions = made.add_subparsers(dest="action", required=True)
    student = actions.add_parser("student", help="chapters without solutions, and a library without answers")
    instructor = actions.add_parser("instructor", help="chapters with solutions, points and hints")
    for action in (student, instructor):
        action.add_argument("folder", type=Path)
    instructor.add_argument("--for", dest="platform", choices=exports.PLATFORMS, default="plain")
    rubric = actions.add_parser("rubric", help="what each exercise is worth, and what a full answer has")
    for action in (student, instructor, rubric):
        action.add_argument("--only", default="", help="chapters whose file name begins with this, such as 7.1")
        action.add_argument("--chapters", type=Path, default=copies.CHAPTERS, help="where the chapters are")
    grade = actions.add_parser("grade", help="grade a folder of notebooks")
    grade.add_argument("--submissions", type=Path, required=True, help="NAME.ipynb or NAME/*.ipynb for each student")
    grade.add_argument("--out", type=Path, help="where results go (default: beside the submissions, in graded/)")
    grade.add_argument("--seed", type=int, default=1, help="of the cases, the same for all")
    grade.add_argument("--timeout", type=float, default=10.0, help="seconds for one exercise")
    grade.add_argument("--tasks", nargs="+", help="the exercises that count (default: all that are handed in)")
    return made


def main(arguments=None):
    """Run the command; returns the exit status."""
    chosen = parser().parse_args(arguments)
    try:
        if chosen.action == "student":
            written = copies.student(chosen.folder, chosen.chapters, chosen.only)
            print(f"{len(written)} chapters and a library without answers are in {chosen.folder}")
        elif chosen.action == "instructor":
            written = copies.instructor(chosen.folder, chosen.chapters, chosen.only, chosen.platform)
            print(f"{len(written)} chapters with solutions are in {chosen.folder}")
        elif chosen.action == "rubric":
            print(rubrics.rubric(chosen.chapters, chosen.only))
        else:
            out = chosen.out or chosen.submissions.parent / "graded"
            results = grading.grade(chosen.submissions, out, chosen.tasks, chosen.seed, chosen.timeout)
            print(f"{len(results)} students are graded in {out}")
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. What was graded is kept; the same command goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
