"""The exercises for a class: copies to hand out, and a grader that runs nobody's notebook.

    python -m pedagogy_lib.exercises student DIR         chapters without solutions, and a package without answers
    python -m pedagogy_lib.exercises instructor DIR      chapters with solutions, hints and points
    python -m pedagogy_lib.exercises grade --submissions DIR --seed 1 --timeout 10
    python -m pedagogy_lib.exercises rubric              what each exercise is worth, and what a full answer has

`copies` makes the notebooks and their `exports` for other graders; `extraction` takes functions out of a notebook;
`sandbox` calls them in a process of their own, which is `worker`; `grading` judges, and writes what came out.
"""
