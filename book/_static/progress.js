// What a reader has done, kept in this browser alone: lessons read to their exercises, guesses made, exercises ticked.
(() => {
  const KEY = "companion-progress";
  const load = () => {
    try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; }
  };
  const save = (all) => {
    try { localStorage.setItem(KEY, JSON.stringify(all)); } catch { /* a browser that keeps nothing */ }
    show();
  };
  const page = DOCUMENTATION_OPTIONS.pagename || "";
  const mine = (all) => (all[page] ||= { read: false, guesses: 0, tasks: [] });

  const words = (lesson) => {
    const said = [];
    if (lesson.read) said.push("read");
    if (lesson.guesses) said.push(`${lesson.guesses} of ${lesson.questions} guessed`);
    if (lesson.tasks.length) said.push(`${lesson.tasks.length} of ${lesson.exercises} exercises`);
    return said.join(", ");
  };

  // On the cards, and in the contents at the left.
  const show = () => {
    const all = load();
    document.querySelectorAll(".lesson-card[data-page]").forEach((card) => {
      let mark = card.querySelector(".card-done");
      const said = all[card.dataset.page] ? words(all[card.dataset.page]) : "";
      if (!said) return mark?.remove();
      if (!mark) {
        mark = document.createElement("span");
        mark.className = "card-done";
        card.querySelector(".card-words").append(mark);
      }
      mark.textContent = said;
    });
    document.querySelectorAll(".bd-sidebar-primary nav a[href]").forEach((link) => {
      const at = new URL(link.href).pathname.match(/(chapters\/.+)\.html$/);
      link.classList.toggle("lesson-read", Boolean(at && all[decodeURIComponent(at[1])]?.read));
    });
    const clear = document.querySelector("#progress-clear");
    if (clear) clear.hidden = Object.keys(all).length === 0;
  };

  const note = (change) => {
    const all = load();
    change(mine(all));
    save(all);
  };

  // A lesson counts as read when its exercises come into view.
  const watchReading = () => {
    const end = document.querySelector("article section#exercises > :is(h1, h2)");
    if (!end || load()[page]?.read) return;
    const watcher = new IntersectionObserver((seen) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      watcher.disconnect();
      note((lesson) => { lesson.read = true; });
    });
    watcher.observe(end);
  };

  const watchGuesses = () => {
    const questions = [...document.querySelectorAll(".pl-predict")];
    const watcher = new MutationObserver(() => {
      const made = questions.filter((question) => question.dataset.committed).length;
      note((lesson) => {
        lesson.questions = questions.length;
        lesson.guesses = Math.max(lesson.guesses, made);
      });
    });
    questions.forEach((question) => watcher.observe(question, { attributeFilter: ["data-committed"] }));
  };

  // The page cannot run an answer, so the reader says when a task has passed.
  const offerTicks = () => {
    const cells = [...document.querySelectorAll("article div.cell")].map((cell) =>
      [cell, cell.querySelector(".cell_input")?.textContent.match(/exercises\.check\(\s*["']([^"']+)["']/)?.[1]]);
    const tasks = cells.filter(([, name]) => name);
    const done = load()[page]?.tasks || [];
    for (const [cell, name] of tasks) {
      const label = document.createElement("label"), box = document.createElement("input");
      label.className = "task-done";
      box.type = "checkbox";
      box.checked = done.includes(name);
      box.addEventListener("change", () => note((lesson) => {
        lesson.exercises = tasks.length;
        lesson.tasks = lesson.tasks.filter((other) => other !== name).concat(box.checked ? [name] : []);
      }));
      label.append(box, ` I have passed ${name}`);
      cell.after(label);
    }
  };

  const start = () => {
    if (page.startsWith("chapters/")) {
      watchReading();
      watchGuesses();
      offerTicks();
    }
    document.querySelector("#progress-clear")?.addEventListener("click", () => {
      try { localStorage.removeItem(KEY); } catch { /* nothing was kept */ }
      show();
    });
    show();
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
