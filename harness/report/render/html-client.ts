/** What runs in the reader's browser, without network. */

/** Draws the pictures and shows tips. */
export const DRAW_SCRIPT = `
'use strict';
(async () => {
  const tip = document.getElementById('tip');
  const showTip = (handler, event, item, value) => {
    if (value === null || value === undefined || value === '') { tip.hidden = true; return; }
    const rows = typeof value === 'object' ? Object.entries(value) : [['', value]];
    tip.replaceChildren(...rows.map(([name, text]) => {
      const row = document.createElement('div');
      if (name) {
        const label = document.createElement('b');
        label.textContent = name;
        row.append(label, ' ');
      }
      row.append(String(text));
      return row;
    }));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + 'px';
    tip.style.top = Math.max(8, Math.min(event.clientY + 14, innerHeight - box.height - 8)) + 'px';
  };
  // Text is measured while the layout is made, so the font must be there first.
  await Promise.all([document.fonts.load('400 14px Inter'), document.fonts.load('600 14px Inter')]);
  for (const figure of document.querySelectorAll('[data-plot]')) {
    const data = [...document.querySelectorAll('script[data-for]')].find((s) => s.dataset.for === figure.dataset.plot);
    const view = new vega.View(vega.parse(JSON.parse(data.textContent)), { renderer: 'svg', container: figure, hover: true, logLevel: vega.Error });
    view.tooltip(showTip);
    await view.runAsync();
  }
})();
`

/** Sorts a table by the column whose head is clicked. */
export const SORT_SCRIPT = `
'use strict';
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0];
  table.tHead.addEventListener('click', (event) => {
    const head = event.target.closest('th');
    if (!head) return;
    const column = head.cellIndex;
    const up = head.getAttribute('aria-sort') !== 'ascending';
    for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const key = (row) => row.cells[column].dataset.value;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === undefined && y === undefined) return a.cells[column].textContent.localeCompare(b.cells[column].textContent) * (up ? 1 : -1);
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      return (x - y) * (up ? 1 : -1);
    };
    body.append(...[...body.rows].sort(order));
  });
}
`
