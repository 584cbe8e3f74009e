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

const NODES = {
  code: (lines) => make("pre", {}, lines.join("\n")),
  quote: (lines) =>
    make("blockquote", {}, ...inline(lines.map((line) => line.replace(/^> ?/, "")).join("\n"))),
  list: (lines) => make("ul", {}, ...lines.map((line) => make("li", {}, ...inline(line.slice(2))))),
  text: (lines) => make("p", {}, ...inline(lines.join("\n"))),
};
const kindOf = (line) => (line.startsWith("- ") ? "list" : line.startsWith(">") ? "quote" : "text");

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
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) turn(kind === "code" ? "text" : "code");
    else if (kind === "code") lines.push(line);
    else if (!line.trim()) turn("text");
    else {
      if (kindOf(line) !== kind) turn(kindOf(line));
      lines.push(line);
    }
  }
  turn("text");
  return out;
}

/** Text of our own program with its addresses as links. */
export function linked(text) {
  return text
    .split(/(https?:\/\/[^\s<>"]+[^\s<>".,)])/)
    .map((part, n) => (n % 2 ? link(part, part.replace(/^https?:\/\/|\/$/g, "")) : part));
}
