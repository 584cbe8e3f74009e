// The small part of CommonMark that messages use, as nodes. Text is only ever set as text.
import { drawn } from "./icons.js";
import { make } from "./net.js";

const SIGN = /[!-/:-@[-`{-~]/;
const unescaped = (text) => text.replace(/\\([!-/:-@[-`{-~])/g, "$1");
const link = (href, ...inside) =>
  make("a", { href, rel: "noopener noreferrer", target: "_blank" }, ...inside);

// What may stand in a line, tried in this order where one of their first characters is met.
const PARTS = [
  [/`([^`]+)`/y, (m) => make("code", {}, unescaped(m[1]))],
  [/\*\*((?:\\.|[^\\])+?)\*\*/sy, (m) => make("strong", {}, ...inline(m[1]))],
  [/\*((?:\\.|[^\\*])+?)\*/sy, (m) => make("em", {}, ...inline(m[1]))],
  [/~~((?:\\.|[^\\])+?)~~/sy, (m) => make("s", {}, ...inline(m[1]))],
  [/\[((?:\\.|[^\]\\])+)\]\((https:\/\/[^)\s]+)\)/y, (m) => link(m[2], ...inline(m[1]))],
];

export function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => {
    if (plain) out.push(...drawn(plain));
    plain = "";
  };
  for (let i = 0; i < text.length;) {
    const sign = text[i];
    if (sign === "\\" && i + 1 < text.length && SIGN.test(text[i + 1])) {
      plain += text[i + 1];
      i += 2;
      continue;
    }
    let found = null;
    if ("`*~[".includes(sign)) {
      for (const [pattern, node] of PARTS) {
        pattern.lastIndex = i;
        const m = pattern.exec(text);
        if (m) {
          found = [m[0].length, node(m)];
          break;
        }
      }
    }
    if (found) {
      flush();
      out.push(found[1]);
      i += found[0];
    } else {
      plain += sign;
      i += 1;
    }
  }
  flush();
  return out;
}

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const RULED = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const FENCE = /^\s*(```|~~~)/;

/** Items of one depth; what stands deeper is a text of its own in them. */
function list(lines) {
  const [, margin, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found && found[1].length <= margin.length) items.push([line.slice(found[0].length)]);
    else items.at(-1).push(line.replace(/^\s{1,4}/, ""));
  }
  const nodes = items.map(([first, ...rest]) =>
    make("li", {}, ...inline(first), ...blocks(rest.join("\n"))),
  );
  return /\d/.test(mark)
    ? make("ol", { start: Number.parseInt(mark) }, ...nodes)
    : make("ul", {}, ...nodes);
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\||(?<!\\)\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** A table that scrolls in itself where it is too wide. */
function table([head, ruler, ...rows]) {
  const right = cells(ruler).map((cell) => /^[^:].*:$/.test(cell));
  const cell = (tag) => (text, n) => make(tag, { class: right[n] ? "right" : "" }, ...inline(text));
  const row = (line, tag) => make("tr", {}, ...cells(line).map(cell(tag)));
  const body = rows.map((line) => row(line, "td"));
  const whole = make(
    "table",
    {},
    make("thead", {}, row(head, "th")),
    make("tbody", {}, ...body),
  );
  return make("div", { class: "wide" }, whole);
}

const NODES = {
  code: (lines) => make("pre", {}, lines.join("\n")),
  quote: (lines) =>
    make("blockquote", {}, ...inline(lines.map((line) => line.replace(/^> ?/, "")).join("\n"))),
  list,
  table,
  heading: ([line]) => make("h3", {}, ...inline(HEADING.exec(line)[2])),
  rule: () => make("hr"),
  text: (lines) => make("p", {}, ...inline(lines.join("\n"))),
};
/** What a line begins or goes on with, after `kind` and before the line `next`. */
function kindOf(line, kind, next) {
  if (kind === "table" && line.includes("|")) return kind;
  if (ITEM.test(line) || (kind === "list" && /^\s{2}/.test(line))) return "list";
  if (HEADING.test(line)) return "heading";
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return "rule";
  if (line.includes("|") && next.includes("|") && RULED.test(next)) return "table";
  return line.startsWith(">") ? "quote" : "text";
}

/** A message's text as nodes. */
export function blocks(text) {
  const out = [];
  let kind = "text",
    lines = [];
  const turn = (next) => {
    if (lines.length) out.push(NODES[kind](lines));
    lines = [];
    kind = next;
  };
  const all = text.split("\n");
  all.forEach((line, n) => {
    if (FENCE.test(line)) turn(kind === "code" ? "text" : "code");
    else if (kind === "code") lines.push(line);
    else if (!line.trim()) turn("text");
    else {
      const found = kindOf(line, kind, all[n + 1] || "");
      if (found !== kind || found === "heading" || found === "rule") turn(found);
      lines.push(line);
    }
  });
  turn("text");
  return out;
}

/** Text of our own program with its addresses as links. */
export function linked(text) {
  return text
    .split(/(https?:\/\/[^\s<>"]+[^\s<>".,)])/)
    .map((part, n) => (n % 2 ? link(part, part.replace(/^https?:\/\/|\/$/g, "")) : part));
}
