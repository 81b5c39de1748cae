// Shows HTML without redrawing what has not changed, and follows links without loading anew.
const shown = new WeakMap();

function open(href) {
  // Streamlit follows the address on popstate, as after the browser's own back and forward.
  window.history.pushState(null, "", href);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

export default function ({ data, parentElement }) {
  const holder = parentElement.querySelector(".ip-html");
  if (shown.get(holder) !== data) {
    holder.innerHTML = data;
    shown.set(holder, data);
  }
  holder.onclick = (event) => {
    if (event.target.closest("[data-print]")) {
      event.preventDefault();
      for (const folded of document.querySelectorAll("details")) folded.open = true;
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
    open(href);
  };
}
