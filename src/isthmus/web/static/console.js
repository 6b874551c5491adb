// What the pages do beyond HTML: keys, copy, double submission, rows, remembered choices. Everything works without it.
"use strict";
(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const base = document.documentElement.dataset.base || "";
  const places = { h: "/", c: "/connections", s: "/services", f: "/functions", a: "/activity", u: "/users", k: "/keys" };

  // --- keys: / finds, ? explains, g and a letter goes somewhere
  let going = 0;
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || at.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      document.querySelector("#keys")?.showModal?.();
    } else if (event.key === "g") {
      going = Date.now();
    } else if (Date.now() - going < 1200) {
      const place = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      going = 0;
      if (place) location.href = base + places[event.key];
    }
  });

  // --- clicks: copy, close, add a row
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const source = copy.dataset.copy ? copy.dataset.copy : copy.parentElement.querySelector("code, input")?.textContent;
      navigator.clipboard?.writeText(source).then(() => tell(copy, "Copied"), () => tell(copy, "Press Ctrl C"));
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    const adder = event.target.closest("[data-add-row]");
    if (adder) {
      event.preventDefault();
      const rows = document.getElementById(adder.dataset.addRow);
      const lines = all(".line", rows), added = lines[lines.length - 1].cloneNode(true);
      for (const input of all("input, select", added)) {
        input.value = input.tagName === "SELECT" ? input.options[0].value : "";
        input.removeAttribute("aria-invalid");
        if (input.ariaLabel) input.ariaLabel = input.ariaLabel.replace(/\d+$/, lines.length + 1);
      }
      lines[lines.length - 1].after(added);
      added.querySelector("input").focus();
    }
  });
  function tell(button, words) {
    const was = button.dataset.was || button.textContent;
    button.dataset.was = was;
    button.textContent = words;
    setTimeout(() => { button.textContent = was; }, 1600);
  }

  // --- a form is sent once: a second click finds the button busy
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method === "dialog") return;
    const button = event.submitter;
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "1";
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    if (button.dataset.busy) button.textContent = button.dataset.busy;
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  // --- a part of a page that could not be fetched says so where it would have stood; the next answer takes its place
  for (const kind of ["sendError", "responseError", "timeout"]) {
    document.addEventListener(`htmx:${kind}`, (event) => {
      const { target, xhr } = event.detail, told = document.createElement("p");
      if (!target) return;
      told.className = "strip bad flat";
      told.setAttribute("role", "alert");
      told.textContent = xhr?.status ? `The server refused this (${xhr.status}). Reload the page and try again.` : "The server did not answer. Try again in a moment.";
      target.querySelector(":scope > .strip.bad[role=alert]")?.remove();
      target.prepend(told);
    });
  }

  // --- on a phone the chips are one row that scrolls: begin at the one that is chosen
  for (const chip of document.querySelectorAll(".chips > [aria-current]")) chip.parentElement.scrollLeft = chip.offsetLeft - 16;

  // --- the link name follows the name until somebody writes it
  const name = document.querySelector("[data-proposes]");
  const link = name && document.getElementById(name.dataset.proposes);
  if (name && link) {
    let own = link.value !== "" && link.value.replace(/_\d+$/, "") !== proposed(name.value);
    link.addEventListener("input", () => { own = link.value !== ""; });
    name.addEventListener("input", () => {
      if (own) return;
      link.value = proposed(name.value);
      link.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  const redirect = document.getElementById("redirect_url");
  if (link && redirect) {
    const follow = () => { redirect.textContent = redirect.dataset.base + (link.value || "link_name"); };
    for (const kind of ["input", "change"]) link.addEventListener(kind, follow);
  }
  function proposed(text) {
    const words = text.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^[0-9_]+|_+$/g, "");
    return words.slice(0, 50).replace(/_+$/, "");
  }

  // --- lists of choices that can be searched, and the language that was looked at last
  for (const search of all("[data-filters]")) {
    const items = all("li", document.getElementById(search.dataset.filters));
    search.addEventListener("input", () => {
      const wanted = search.value.toLowerCase();
      for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(wanted);
    });
  }
  let stored;
  try { stored = localStorage; } catch { stored = null; }
  for (const choice of all('input[name="language"]')) {
    if (stored?.getItem("language") === choice.value) choice.checked = true;
    choice.addEventListener("change", () => stored?.setItem("language", choice.value));
  }

  // --- a thing that cannot be brought back is named before it goes
  for (const typed of all("[data-must-be]")) {
    const button = typed.form.querySelector("button.danger");
    const compare = () => { button.disabled = typed.value.trim() !== typed.dataset.mustBe; };
    typed.addEventListener("input", compare);
    compare();
  }

  // --- what was typed survives a session that ended or a tab that was closed by mistake; never what is secret
  for (const form of all("form[data-draft]")) {
    const place = `draft ${location.pathname}`;
    const fields = () => [...form.elements].filter((field) => field.name && /^(text|url|search|textarea)$/.test(field.type));
    try {
      const draft = JSON.parse(sessionStorage.getItem(place) || "null");
      if (draft && !form.dataset.filled) fields().forEach((field, n) => { if (draft[n] && !field.value) field.value = draft[n]; });
      form.addEventListener("input", () => sessionStorage.setItem(place, JSON.stringify(fields().map((field) => field.value))));
      form.addEventListener("submit", () => sessionStorage.removeItem(place));
    } catch { /* a browser that keeps nothing */ }
  }

  // --- code that was not saved is kept when the page is left, and is back when it is opened again on the same draft
  for (const form of all("form[data-unsaved]")) {
    const code = form.elements.code, place = `code ${location.pathname} ${form.elements.base_version.value}`;
    try {
      const kept = sessionStorage.getItem(place);
      if (kept !== null && kept !== code.value) {
        code.value = kept;
        form.querySelector("[data-restored]").hidden = false;
      }
      window.addEventListener("pagehide", () => {
        if (form.dataset.sent || code.value === code.defaultValue) sessionStorage.removeItem(place);
        else sessionStorage.setItem(place, code.value);
      });
    } catch { /* a browser that keeps nothing */ }
    form.querySelector("[data-discard]").addEventListener("click", () => { form.dataset.sent = "1"; location.reload(); });
  }
})();
