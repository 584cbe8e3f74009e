// A picture as large as the window: keys, neighbours, download.
import { $, make, t } from "./net.js";
import { icon } from "./icons.js";

const all = () => [...document.querySelectorAll(".shot:not(.covered) img")];
let shown = null;

function step(by) {
  const images = all();
  const next = images[images.indexOf(shown) + by];
  if (next) show(next);
}

function show(image) {
  shown = image;
  const images = all(),
    place = images.indexOf(image);
  const large = make("img", { src: image.src, alt: image.alt });
  large.addEventListener("click", (e) => {
    e.stopPropagation();
    $("light").classList.toggle("whole");
  });
  const way = (by, sign, label) =>
    make(
      "button",
      {
        type: "button",
        class: "round",
        "aria-label": label,
        title: label,
        disabled: !images[place + by],
        onclick: (e) => {
          e.stopPropagation();
          step(by);
        },
      },
      icon(sign),
    );
  const bar = make(
    "div",
    { class: "lightbar" },
    make("p", {}, image.alt),
    way(-1, "⬅", t("Previous picture")),
    way(1, "➡", t("Next picture")),
    make(
      "a",
      {
        class: "round",
        href: image.src,
        download: image.dataset.name,
        "aria-label": t("Download"),
        title: t("Download"),
        onclick: (e) => e.stopPropagation(),
      },
      icon("💾"),
    ),
    make(
      "button",
      {
        type: "button",
        class: "round",
        "aria-label": t("Close"),
        title: t("Close"),
        onclick: () => $("light").close(),
      },
      icon("✖"),
    ),
  );
  $("light").classList.remove("whole");
  $("light").replaceChildren(make("div", { class: "stage" }, large), bar);
}

export function enlarge(image) {
  show(image);
  $("light").setAttribute("aria-label", t("Picture"));
  $("light").showModal();
}

$("light").addEventListener("click", () => $("light").close());
$("light").addEventListener("close", () => {
  shown?.closest("button")?.focus();
  shown = null;
});
$("light").addEventListener("keydown", (e) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
  if (by) {
    e.preventDefault();
    step(by);
  }
});
