// The editor of functions: CodeMirror over the form's own textarea, which keeps working where this does not run.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { HighlightStyle, StreamLanguage, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const base = document.documentElement.dataset.base || "";
function start(field) {
  const language = field.dataset.editor;
  const place = document.createElement("div");
  place.className = "editor";
  field.before(place);
  // In a shadow tree the styles are adopted sheets, which the content security policy allows; a style element it does not.
  const root = place.attachShadow({ mode: "open" });
  const view = new EditorView({ root, parent: root, state: EditorState.create({ doc: field.value, extensions: extensions(field, language) }) });
  field.hidden = true;
  field.editorView = view;
  document.querySelector(`label[for="${field.id}"]`)?.addEventListener("click", () => view.focus());
  markErrors(view);
  document.addEventListener("htmx:afterSwap", () => markErrors(view));
  const picker = document.querySelector("[data-inserts]");
  picker?.addEventListener("change", async () => {
    const name = picker.value;
    picker.value = "";
    if (!name) return;
    const answer = await fetch(`${base}/api/v1/connections/${encodeURIComponent(name)}/snippet`);
    if (!answer.ok) return;
    const whole = (await answer.json())[language === "python" ? "python_function" : language];
    const begun = language === "python" && view.state.doc.toString().trim() !== "";
    const text = begun ? whole.slice(whole.indexOf("\n") + 1) : whole;
    view.dispatch(view.state.replaceSelection(text.endsWith("\n") ? text : `${text}\n`));
    view.focus();
  });
}

function extensions(field, language) {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of(language === "python" ? "    " : "\t"),
    EditorState.tabSize.of(4),
    bracketMatching(),
    closeBrackets(),
    highlightSelectionMatches(),
    lintGutter(),
    language === "python" ? python() : StreamLanguage.define(deluge),
    language === "python" ? autocompletion() : autocompletion({ override: [complete] }),
    linter((view) => check(view, field, language), { delay: 400 }),
    syntaxHighlighting(colours),
    theme,
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ "aria-label": "Code", "aria-describedby": "code-help", spellcheck: "false" }),
    EditorView.updateListener.of((update) => { if (update.docChanged) field.value = update.state.doc.toString(); }),
  ];
}

async function ask(path, document) {
  const answer = await fetch(`${base}/api/v1/functions/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(document),
  });
  return answer.ok ? answer.json() : null;
}

async function check(view, field, language) {
  const found = await ask("check", { name: field.dataset.name, language, code: view.state.doc.toString() });
  return (found?.problems ?? []).map((problem) => diagnostic(view.state.doc, problem));
}

function diagnostic(doc, { line, column, end_column: end, severity, message, hint }) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
  return { from, to: Math.min(Math.max(at.from + (end ?? column + 1) - 1, from), at.to), severity, message: hint ? `${message} ${hint}` : message };
}

async function complete(context) {
  const word = context.matchBefore(/\w*$/);
  const before = context.state.sliceDoc(Math.max(0, word.from - 1), word.from);
  if (!context.explicit && word.from === word.to && !/[."']/.test(before)) return null;
  const line = context.state.doc.lineAt(context.pos);
  const found = await ask("complete", { language: "deluge", code: context.state.doc.toString(), line: line.number, column: context.pos - line.from + 1 });
  if (!found || context.aborted) return null;
  const kinds = { connection: "constant", key: "property", task: "keyword" };
  const options = found.items.map((item) => ({
    label: item.label, type: kinds[item.kind] ?? item.kind, detail: item.detail, info: item.documentation || undefined, apply: item.insert_text,
  }));
  return { from: word.from, options, validFor: /^\w*$/ };
}

function markErrors(view) {
  const told = document.querySelector("[data-error-line]");
  if (!told || told.dataset.seen) return;
  told.dataset.seen = "yes";
  const { errorLine, errorColumn, errorMessage } = told.dataset;
  const problem = { line: Number(errorLine), column: Number(errorColumn) || 1, end_column: undefined, severity: "error", message: errorMessage };
  const marked = diagnostic(view.state.doc, problem);
  if (problem.column === 1) marked.to = view.state.doc.lineAt(marked.from).to;
  view.dispatch(setDiagnostics(view.state, [marked]), { effects: EditorView.scrollIntoView(marked.from, { y: "nearest" }) });
}

const words = new Set("if else for each index in return info try catch throw break continue invokeurl sendmail true false null and or".split(" "));
const deluge = {
  name: "deluge",
  startState: () => ({ comment: false }),
  token(stream, state) {
    if (state.comment || stream.match("/*")) {
      state.comment = !stream.match(/.*?\*\//);
      if (state.comment) stream.skipToEnd();
      return "comment";
    }
    if (stream.match("//")) { stream.skipToEnd(); return "comment"; }
    if (stream.match(/"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/'(?:[^'\\]|\\.)*'?/)) return "string";
    if (stream.match(/\d+(?:\.\d+)?/)) return "number";
    const word = stream.match(/[A-Za-z_]\w*/);
    if (word) {
      if (words.has(word[0].toLowerCase())) return /^(true|false|null)$/i.test(word[0]) ? "atom" : "keyword";
      return stream.match(/\s*\(/, false) ? "variableName.function" : "variableName";
    }
    if (stream.match(/[-+*/%=<>!&|]+/)) return "operator";
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
};

const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--accent-strong)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--warn)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--ink)", fontWeight: "600" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--sheet)", fontSize: "13px", minHeight: "320px", maxHeight: "640px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", minHeight: "320px", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--sheet)", color: "var(--quiet)", border: "none", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklch, var(--well) 70%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-wash)" },
  ".cm-selectionMatch": { backgroundColor: "var(--accent-wash)" },
  ".cm-tooltip": { backgroundColor: "var(--sheet)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px", boxShadow: "var(--float)", overflow: "hidden" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-wash)", color: "var(--accent-strong)" },
  ".cm-completionDetail": { color: "var(--quiet)", fontStyle: "normal", marginLeft: "12px" },
  ".cm-diagnostic": { padding: "6px 10px", fontFamily: "var(--sans)" },
  ".cm-lintRange": { backgroundImage: "none !important", textDecoration: "underline wavy 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { textDecorationColor: "var(--bad)" },
  ".cm-lintRange-warning": { textDecorationColor: "var(--warn)" },
  ".cm-lint-marker": { content: "none !important", width: "8px", height: "8px", margin: "6px 3px", borderRadius: "50%" },
  ".cm-lint-marker-error": { backgroundColor: "var(--bad)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--warn)", borderRadius: "1px" },
  ".cm-panels": { backgroundColor: "var(--well)", color: "var(--ink)" },
});

const field = document.querySelector("textarea[data-editor]");
if (field) start(field);
