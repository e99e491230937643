// A table that only holds the cells that can be seen, and that arrow keys move in.

import { h } from "./dom.js";

const MARGIN = 12;
const FEW_COLUMNS = 24;
const MOST_STRETCHED = 1.8;
const MOST_PRINTED = 60_000;
let made = 0;

/**
 * Show rows in a table.
 *
 * columns: [{key, title, head, width, cell(row), sort, sticky, label}]; `cell` returns {node | text, class, note}.
 * options: rows, rowHeight, caption, sorted: {key, down}, onSort(key), onOpen(row, column), selected(row, column).
 */
export class Grid {
  constructor(options) {
    this.options = options;
    this.active = [-1, 0];
    this.drawn = "";
    this.body = h("tbody");
    this.above = h("tr", { "aria-hidden": "true", class: "spacer" }, h("td"));
    this.below = h("tr", { "aria-hidden": "true", class: "spacer" }, h("td"));
    this.caption = h("caption", { class: "hidden", id: `caption-${(made += 1)}` }, options.caption);
    this.columns = h("colgroup");
    this.head = h("thead");
    this.notPrinted = h("p", { class: "note" });
    this.table = h("table", { role: "grid" }, this.caption, this.columns, this.head, this.body);
    this.element = h(
      "div",
      {
        class: "grid",
        tabindex: "0",
        role: "region",
        "aria-labelledby": this.caption.id,
        scroll: () => requestAnimationFrame(() => this.draw()),
        keydown: (event) => this.onKey(event),
      },
      this.table,
      this.notPrinted,
    );
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.update({});
  }

  /** Take other rows or columns. */
  update(changes) {
    Object.assign(this.options, changes);
    const { columns, rows, rowHeight, caption } = this.options;
    this.caption.textContent = caption;
    this.element.style.setProperty("--row", `${rowHeight}px`);
    this.fit();
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.table.setAttribute("aria-colcount", columns.length);
    this.redraw();
  }

  /** Give the columns their widths, and more where there is room. */
  fit() {
    const { columns } = this.options;
    const total = columns.reduce((sum, column) => sum + column.width, 0);
    this.room = this.element.clientWidth;
    const scale = Math.min(MOST_STRETCHED, Math.max(1, (this.room - 2) / total));
    this.lefts = [0];
    for (const column of columns) this.lefts.push(this.lefts.at(-1) + Math.floor(column.width * scale));
    // Paper does not scroll.
    const fits = this.printing && columns.length <= FEW_COLUMNS;
    this.columns.replaceChildren(
      ...columns.map((column, position) => {
        const col = h("col");
        col.style.width = fits ? `${(100 * column.width) / total}%` : `${this.lefts[position + 1] - this.lefts[position]}px`;
        return col;
      }),
    );
    this.table.style.width = fits ? "100%" : `${this.lefts.at(-1)}px`;
  }

  drawHead() {
    const { sorted, onSort } = this.options;
    const cells = this.inView("th", (column, position) => {
      const title = column.sort
        ? h("button", { type: "button", class: "sort", click: () => onSort(column.key) }, column.title, this.arrow(column))
        : column.title;
      return h(
        "th",
        {
          scope: "col",
          "aria-colindex": position + 1,
          class: [column.sticky && "sticky", column.class].filter(Boolean).join(" ") || null,
          title: column.label,
          "aria-sort": sorted?.key === column.key ? (sorted.down ? "descending" : "ascending") : null,
        },
        title,
        column.head,
      );
    });
    const { activeElement } = document;
    const focused = this.head.contains(activeElement) && `[aria-colindex="${activeElement.closest("th").ariaColIndex}"] .${activeElement.className}`;
    this.head.replaceChildren(h("tr", { "aria-rowindex": 1 }, cells));
    if (focused) this.head.querySelector(focused)?.focus({ preventScroll: true });
  }

  arrow(column) {
    const { sorted } = this.options;
    if (sorted?.key !== column.key) return null;
    return h("span", { "aria-hidden": "true" }, sorted.down ? " ▼" : " ▲");
  }

  /** Draw all again. */
  redraw() {
    this.drawn = "";
    this.draw();
  }

  /** Draw what can be seen, unless it is drawn already. */
  draw() {
    const { columns, rows, rowHeight } = this.options;
    const { clientHeight, clientWidth, scrollTop, scrollLeft } = this.element;
    const height = clientHeight || 600;
    if (clientWidth !== this.room) this.fit();
    this.first = this.printing ? 0 : Math.max(0, Math.floor(scrollTop / rowHeight) - MARGIN);
    const room = this.printing ? Math.floor(MOST_PRINTED / columns.length) : Math.ceil(height / rowHeight) + 2 * MARGIN;
    this.last = Math.min(rows.length, this.first + room);
    this.left = 1;
    this.right = columns.length;
    if (columns.length > FEW_COLUMNS && !this.printing) {
      const end = scrollLeft + (clientWidth || 1200);
      while (this.left < columns.length - 1 && this.lefts[this.left + 2] < scrollLeft) this.left += 1;
      while (this.right > this.left + 1 && this.lefts[this.right - 2] > end) this.right -= 1;
    }
    const drawn = [this.first, this.last, this.left, this.right].join();
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const hadFocus = this.body.contains(document.activeElement);
    this.drawHead();
    this.above.firstChild.style.height = `${this.first * rowHeight}px`;
    this.below.firstChild.style.height = `${this.printing ? 0 : (rows.length - this.last) * rowHeight}px`;
    const made = [];
    for (let index = this.first; index < this.last; index += 1) made.push(this.row(index));
    this.body.replaceChildren(this.above, ...made, this.below);
    if (hadFocus) (this.cellAt(...this.active) ?? this.element).focus({ preventScroll: true });
  }

  /** Make the cells of the columns that can be seen; the first column always is. */
  inView(name, make) {
    const { columns } = this.options;
    if (!columns.length) return [];
    const gap = (span) => (span > 0 ? h(name === "th" ? "td" : name, { colspan: span, class: "gap" }) : null);
    const seen = columns.slice(this.left, this.right).map((column, n) => make(column, this.left + n));
    return [make(columns[0], 0), gap(this.left - 1), seen, gap(columns.length - this.right)];
  }

  row(index) {
    const { rows, selected, onOpen } = this.options;
    const row = rows[index];
    const cells = this.inView("td", (column, position) => {
      const content = column.cell(row);
      const isActive = index === this.active[0] && position === this.active[1];
      return h(
        column.isHead ? "th" : "td",
        {
          scope: column.isHead ? "row" : null,
          "aria-colindex": position + 1,
          class: [column.sticky && "sticky", column.class, content.class].filter(Boolean).join(" ") || null,
          tabindex: isActive || (index === this.first && this.active[0] < 0 && position === 0) ? "0" : "-1",
          title: content.title,
          "aria-selected": selected?.(row, column) ? "true" : null,
          "aria-label": content.label,
          click: () => {
            this.active = [index, position];
            onOpen?.(row, column);
          },
        },
        content.node ?? content.text,
      );
    });
    return h("tr", { "aria-rowindex": index + 2 }, cells);
  }

  cellAt(index, position) {
    return this.body.children[index - this.first + 1]?.querySelector(`[aria-colindex="${position + 1}"]`);
  }

  onKey(event) {
    const { rows, columns, onOpen } = this.options;
    const inHead = this.head.contains(event.target);
    if (inHead || !rows.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.rowHeight) - 2);
    let [row, column] = this.active;
    if (row < 0) row = this.first;
    const moves = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: [row, 0],
      End: [row, columns.length - 1],
    };
    if (event.key === "Enter" && this.body.contains(event.target)) {
      if (event.target.closest("a, button")) return;
      onOpen?.(rows[row], columns[column]);
    } else if (moves[event.key]) {
      const begins = this.active[0] < 0;
      const [toRow, toColumn] = begins ? [row, column] : moves[event.key];
      this.focus(Math.min(rows.length - 1, Math.max(0, toRow)), Math.min(columns.length - 1, Math.max(0, toColumn)));
    } else return;
    event.preventDefault();
  }

  /** Bring a cell into view. */
  reveal(row, column = 0) {
    const { columns, rowHeight } = this.options;
    const { clientHeight, clientWidth, scrollLeft, scrollTop } = this.element;
    const head = this.head.offsetHeight;
    const top = row * rowHeight;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight - head) {
      this.element.scrollTop = top + rowHeight - clientHeight + head;
    }
    const sticky = columns[0].sticky ? this.lefts[1] : 0;
    const [left, right] = [this.lefts[column], this.lefts[column + 1]];
    if (column > 0 && left < scrollLeft + sticky) this.element.scrollLeft = left - sticky;
    else if (right > scrollLeft + clientWidth) this.element.scrollLeft = right - clientWidth;
    this.active = [row, column];
    this.redraw();
  }

  /** Move to a cell. */
  focus(row, column) {
    this.reveal(row, column);
    this.cellAt(row, column)?.focus({ preventScroll: true });
  }

  /** Hold all rows while a page is printed, or as many as a printer can take. */
  print(isPrinting) {
    this.printing = isPrinting;
    this.fit();
    this.redraw();
    const { rows } = this.options;
    this.notPrinted.textContent = isPrinting && this.last < rows.length ? `${rows.length - this.last} more rows are not printed.` : "";
  }
}
