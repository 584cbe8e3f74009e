// Signs as drawings: not every machine has a font for them, and a drawing takes the colour of its text.
const CIRCLE = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18";
const ICONS = {
  "🔄": ["Again, anew", "M20 12a8 8 0 1 1-2.5-5.8M20.5 3.5v4h-4"],
  "🔁": ["Run again", "M17 2l4 4-4 4M3 11V9a3 3 0 0 1 3-3h15M7 22l-4-4 4-4M21 13v2a3 3 0 0 1-3 3H3"],
  "🪄": ["Vary", "M4 20 14.5 9.5M17.5 3v4M15.5 5h4M20 11v3M18.5 12.5h3M9 3v3M7.5 4.5h3"],
  "🖌": [
    "Brush",
    "M13.5 6.5 18 2l4 4-9.5 9.5zM11 9l-2 2 4 4 2-2M9 12c-3 0-3 2-4 5-.5 1.5-1.5 2.5-3 3 4 1.5 9 1 10-4",
  ],
  "🔍": ["Zoom out", "M20.5 20.5 15.5 15.5M10.5 17.5a7 7 0 1 0 0-14 7 7 0 0 0 0 14M7.5 10.5h6"],
  "🔎": ["Look again", "M20.5 20.5 15.5 15.5M10.5 17.5a7 7 0 1 0 0-14 7 7 0 0 0 0 14"],
  "↔": ["Make square", "M3 12h18M7 8l-4 4 4 4M17 8l4 4-4 4"],
  "⬅": ["Pan left", "M20 12H4M10 6l-6 6 6 6"],
  "➡": ["Pan right", "M4 12h16M14 6l6 6-6 6"],
  "⬆": ["Pan up", "M12 20V4M6 10l6-6 6 6"],
  "⬇": ["Pan down", "M12 4v16M6 14l6 6 6-6"],
  "↑": ["Send", "M12 20V4M5 11l7-7 7 7"],
  "⏫": ["Upscale", "M6 12l6-6 6 6M6 19l6-6 6 6"],
  "🎞": ["Animate", "M4 4h16v16H4zM8 4v16M16 4v16M8 12h8M4 8h4M4 12h4M4 16h4M16 8h4M16 12h4M16 16h4"],
  "✖": ["Cancel", "M6 6l12 12M18 6 6 18"],
  "💾": ["Full quality", "M12 3v12M7 10l5 5 5-5M4 20h16"],
  "➕": ["One more", "M12 5v14M5 12h14"],
  "✍": ["Answer", "M4 20h4L19.5 8.5l-4-4L4 16zM13 7l4 4"],
  "🎉": ["All of them", "M11 3l2 6 6 2-6 2-2 6-2-6-6-2 6-2zM19 16v5M16.5 18.5h5"],
  "🔢": ["Version", "M4 9h16M4 15h16M10 3 8 21M16 3l-2 18"],
  "📐": ["Shape", "M3 21V5l16 16zM7 17v-3l3 3z"],
  "🎨": [
    "Style",
    "M12 3a9 9 0 1 0 0 18c1.5 0 2-1 2-2 0-1.2-.8-1.7-.8-2.7S14 15 15 15h2.5a3.5 3.5 0 0 0 3.5-3.5C21 6.5 17 3 12 3M7.5 12h.01M9.5 8h.01M14.5 8h.01",
  ],
  "⚡": ["Speed", "M13 2 4 14h7l-1 8 9-12h-7z"],
  "🔘": ["Buttons", `${CIRCLE}M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6`],
  "🌐": ["Language", `${CIRCLE}M3 12h18M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18`],
  "🖼": ["Picture", "M4 4h16v16H4zM4 16l5-5 5 5 2-2 4 4M15 9h.01"],
  "📎": [
    "Add pictures",
    "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.4 8.4a1.6 1.6 0 0 1-2.3-2.3L14.5 7.5",
  ],
  "✨": ["Improve", "M11 4l1.8 5.2L18 11l-5.2 1.8L11 18l-1.8-5.2L4 11l5.2-1.8zM18.5 15.5v5M16 18h5M19 3v4M17 5h4"],
  "✏": ["Edit", "M4 20h4L19.5 8.5l-4-4L4 16zM13 7l4 4"],
  "💭": ["Thoughts", "M7 15a4.5 4.5 0 0 1-.5-9A5.5 5.5 0 0 1 17 7a4 4 0 0 1 0 8zM7 19h.01M4.5 21.5h.01"],
  "⚠": ["Careful", "M12 3.5 2.5 20h19zM12 10v5M12 17.5h.01"],
  "✅": ["Yes", `${CIRCLE}M8 12.5l3 3 5-6`],
  "❌": ["No", `${CIRCLE}M9 9l6 6M15 9l-6 6`],
  "🚫": ["Not allowed", `${CIRCLE}M5.7 5.7l12.6 12.6`],
  "❔": ["Unknown", `${CIRCLE}M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 16.5h.01`],
  "ℹ": ["Note", `${CIRCLE}M12 11v5M12 8h.01`],
  "🤖": ["Model", "M5 9h14v10H5zM12 9V5M12 4h.01M9 13h.01M15 13h.01M9.5 16h5"],
  "💬": ["Talk on", "M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12.5h5"],
  "🎬": ["Video", "M3 9h18v11H3zM3 9l16-5 1 3L4.5 11M8 7.5l2 3M13 6l2 3"],
  "🎵": ["Song", "M9 18V5l11-2v13M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0M20 16a3 3 0 1 1-6 0 3 3 0 0 1 6 0"],
  "🔊": ["Aloud", "M4 9v6h4l5 4V5L8 9zM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11"],
  "👕": ["Try on", "M8 4 3 7l2 4 2-1v10h10V10l2 1 2-4-5-3a4 4 0 0 1-8 0z"],
  "🗑": ["Forget", "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6"],
  "👁": ["Show", "M2 12s3.5-7 10-7 10 7 10 7-3.5 7-10 7-10-7-10-7M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6"],
};
const KEYCAP = /^([0-9])\uFE0F?\u20E3$/;
const plain = (sign) => sign.replace(/\uFE0F/g, "");
const NS = "http://www.w3.org/2000/svg";

/** What a sign means, for those who do not see it. */
export const named = (sign) => ICONS[plain(sign)]?.[0] || KEYCAP.exec(sign)?.[1] || sign;

/** A sign as a drawing; as itself when there is none. */
export function icon(sign) {
  const digit = KEYCAP.exec(sign)?.[1] || (sign === "🔟" && "10");
  if (digit) {
    const key = document.createElement("span");
    key.className = "keycap";
    key.textContent = digit;
    return key;
  }
  const found = ICONS[plain(sign)];
  if (!found) return document.createTextNode(sign);
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", found[1]);
  svg.append(path);
  return svg;
}

const SIGNS = new RegExp(
  `(${Object.keys(ICONS)
    .filter((sign) => sign !== "↑")
    .join("|")})\\uFE0F?|[0-9]\\uFE0F?\\u20E3|🔟`,
  "gu",
);
/** Text with its signs drawn. */
export function drawn(text) {
  const out = [];
  let from = 0;
  for (const m of text.matchAll(SIGNS)) {
    if (m.index > from) out.push(text.slice(from, m.index));
    out.push(icon(m[0]));
    from = m.index + m[0].length;
  }
  if (from < text.length) out.push(text.slice(from));
  return out;
}
