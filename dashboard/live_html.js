// Shows HTML without redrawing what has not changed, and follows links without loading anew.
const shown = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const holder = parentElement.querySelector(".ip-html");
  if (shown.get(holder) !== data) {
    holder.innerHTML = data;
    shown.set(holder, data);
  }
  holder.onclick = (event) => {
    if (event.target.closest("[data-print]")) {
      window.print();
      return;
    }
    const link = event.target.closest("a[data-go]");
    const row = event.target.closest("[data-href]");
    const href = link ? link.getAttribute("href") : row && row.dataset.href;
    if (!href) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) {
      if (!link) window.open(href, "_blank");
      return;
    }
    event.preventDefault();
    setTriggerValue("go", href);
  };
}
