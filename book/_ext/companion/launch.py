"""Where the book lives: Binder, Colab and source links for whichever repository builds it.

The address comes from `REPOSITORY_URL` or from the git remote, so a fork's book launches the fork.
Without a GitHub address there are no buttons, rather than broken ones.
"""

import os
import re
import subprocess

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .ledger import ROOT

GITHUB = re.compile(
    r"(?:https?://(?:[^@/]+@)?|ssh://git@|git@)github\.com[:/](?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)"
    r"(?:\.git)?/?"
)


def repository_url(environment=os.environ, root=ROOT) -> str | None:
    """The repository's address as `https://github.com/owner/name`, or None."""
    address = environment.get("REPOSITORY_URL") or _git("remote", "get-url", "origin", root=root)
    match = GITHUB.fullmatch((address or "").strip())
    return f"https://github.com/{match['owner']}/{match['name']}" if match else None


def branch(environment=os.environ, root=ROOT) -> str:
    """The branch that the links name: `REPOSITORY_BRANCH`, the current one, or main."""
    current = environment.get("REPOSITORY_BRANCH") or _git("branch", "--show-current", root=root)
    return (current or "").strip() or "main"


def _git(*arguments, root) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def source_link(path: str, line: int = 1) -> str | None:
    """Address of a file on GitHub, or None without a repository."""
    repository = repository_url()
    return f"{repository}/blob/{branch()}/{path}#L{line}" if repository else None


def theme_options(options: dict, repository: str | None, branch_name: str) -> dict:
    """The theme's options with the launch buttons added, if there is something to launch."""
    if repository is None:
        return options
    return {
        **options,
        "repository_url": repository,
        "repository_branch": branch_name,
        "path_to_docs": "",
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }


def configure(app, config):
    config.html_theme_options = theme_options(config.html_theme_options, repository_url(), branch())


def has_lite() -> bool:
    """Whether the notebooks stand beside this site as JupyterLite; `make lite` says so."""
    return os.environ.get("LITE") == "1"


def add_lite_button(app, pagename, templatename, context, doctree):
    """Add "run in the browser" to a notebook's launch buttons. Its address is relative, so it needs no repository."""
    notebook = app.env.doc2path(pagename, base=False) if pagename in app.env.all_docs else ""
    if not (has_lite() and notebook.startswith("chapters/") and notebook.endswith(".ipynb")):
        return
    button = {
        "type": "link",
        "text": "In the browser",
        "tooltip": "Run this notebook in the browser (JupyterLite)",
        "icon": "_static/images/logo_jupyterlite.svg",
        "url": f"{context['pathto']('lite/lab/index.html', 1)}?path={notebook}",
    }
    groups = [group for group in context["header_buttons"] if group.get("label") == "launch-buttons"]
    if groups:
        groups[0]["buttons"].append(button)
    else:
        group = {"type": "group", "tooltip": "Run this notebook", "icon": "fas fa-rocket"}
        context["header_buttons"].append(group | {"buttons": [button], "label": "launch-buttons"})


class LaunchHelp(SphinxDirective):
    """How to start the notebooks elsewhere, in words that fit the repository of this build."""

    has_content = False

    def run(self):
        repository = repository_url()
        if repository is None:
            text = (
                "This copy of the book was built without a repository address, so it has no "
                "launch buttons. Run the notebooks on your own machine, as below."
            )
        else:
            text = (
                "Every chapter has a rocket button at the top. **Binder** starts the chapter in a "
                "fresh environment with everything installed; the first start takes some minutes. "
                "**Colab** opens the notebook alone, so put this in a new first cell and run it "
                "before the rest:\n\n"
                f"```\n%pip install -q 'pedagogy_lib[fast] @ git+{repository}@{branch()}'\n```"
            )
        if has_lite():
            text += (
                "\n\n**In the browser** runs the chapter on this page's own copy of JupyterLite: Python itself is "
                "fetched once, about 30 MB with NumPy, SciPy and Matplotlib, and then works on your machine; nothing "
                "is installed. Numba is not there, so that the long loops take several times as long, and what "
                "you change is kept in your browser only."
            )
        return self.parse_text_to_nodes(text)


class Repository(SphinxDirective):
    """The commands that fetch the sources of this build."""

    def run(self):
        repository = repository_url() or "ADDRESS-OF-THE-REPOSITORY"
        name = repository.rsplit("/", 1)[-1] if repository_url() else "FOLDER"
        text = f"git clone {repository}\ncd {name}\nmake book"
        return [nodes.literal_block(text, text, language="bash")]


def setup(app):
    app.connect("config-inited", configure, priority=100)
    app.connect("html-page-context", add_lite_button, priority=502)  # after the theme's own
    app.add_directive("launch-help", LaunchHelp)
    app.add_directive("clone-commands", Repository)
