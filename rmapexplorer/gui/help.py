"""The help in a window of its own: a tree of pages, a search over all of them, back and forward, links that act."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import QRegularExpression, Qt, QUrl
from PySide6.QtGui import QColor, QTextCursor, QTextDocument, QTextTable
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QTextEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.gui import help_links, help_text
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.tables import quiet_palette
from rmapexplorer.gui.theme import Theme

_KEY = Qt.ItemDataRole.UserRole
MARKS = 300
"""Places of a word that are marked in a page at most."""


SHORT = 3
"""Words of so many letters are found as whole words only (or with an s), longer ones by their beginning too."""


def word_pattern(word: str) -> re.Pattern[str]:
    """Where ``word`` stands in a text as a word: "on" is not in "operation"."""
    end = r"s?(?!\w)" if len(word) <= SHORT else ""
    return re.compile(rf"(?<!\w){re.escape(word)}{end}", re.IGNORECASE)


class HelpWindow(QDialog):
    """Not modal; ``show_page`` chooses what it shows. ``parent`` is the main window: links act on it."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self._window = parent
        self._theme: Theme | None = None
        self.key = ""
        self.past: list[str] = []
        self.future: list[str] = []
        self._texts: dict[str, str] = {}
        self._first_mark: QTextCursor | None = None
        self._looking = False
        letters = self.fontMetrics().averageCharWidth()
        self.resize(min(letters * 150, 1180), 720)
        self.tree, self.browser, self.search = QTreeWidget(), QTextBrowser(), QLineEdit()
        self.back_button, self.forward_button = QPushButton("‹ Back"), QPushButton("Forward ›")
        self.count = PlainLabel()
        self._build(letters)
        self._fill()
        self._connect()
        if parent is not None:
            parent.themes.changed.connect(self.set_theme)
            self.set_theme(parent.themes.current)

    def _build(self, letters: int) -> None:
        quiet_palette(self.tree)
        self.tree.setHeaderHidden(True)
        self.tree.setAccessibleName("Pages of the help")
        self.browser.setOpenLinks(False)
        self.browser.setAccessibleName("Page of the help")
        self.search.setPlaceholderText("Search all pages")
        self.search.setAccessibleName("Search all pages")
        self.search.setClearButtonEnabled(True)
        self.count.setProperty("role", "dim")
        self.count.hide()
        for button, keys, name in (
            (self.back_button, "Alt+Left", "Back to the page before"),
            (self.forward_button, "Alt+Right", "Forward again"),
        ):
            button.setShortcut(keys)
            button.setToolTip(f"{name} ({keys})")
            button.setAccessibleName(name)
            button.setAutoDefault(False)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.search, self.count, self.tree):
            column.addWidget(widget)
        self.halves = QSplitter()
        self.halves.setChildrenCollapsible(False)
        self.halves.addWidget(left)
        self.halves.addWidget(self.browser)
        self.halves.setSizes([letters * 38, letters * 115])
        self.halves.setStretchFactor(1, 1)
        row = QHBoxLayout()
        row.addWidget(self.back_button)
        row.addWidget(self.forward_button)
        row.addStretch(1)
        whole = QVBoxLayout(self)
        whole.addLayout(row)
        whole.addWidget(self.halves, 1)

    def _fill(self) -> None:
        parts = [*help_text.PARTS, ("Designs, oldest first", help_text.design_keys())]
        self.items: dict[str, QTreeWidgetItem] = {}
        for name, keys in parts:
            branch = QTreeWidgetItem([name])
            branch.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(branch)
            for key in keys:
                item = self.items[key] = QTreeWidgetItem([help_text.title(key)])
                item.setData(0, _KEY, key)
                branch.addChild(item)
            branch.setExpanded(True)

    def _connect(self) -> None:
        self.tree.currentItemChanged.connect(self._picked)
        self.browser.anchorClicked.connect(self._clicked)
        self.search.textChanged.connect(self._searched)
        self.search.returnPressed.connect(self._next_result)
        self.back_button.clicked.connect(self.back)
        self.forward_button.clicked.connect(self.forward)

    # -- looks --------------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Colours of the tree; the page is written anew, as links keep the colour they had."""
        self._theme = theme
        names = {name: theme.color(name).name() for name in ("panel", "line", "text", "sel", "raised", "dim")}
        self.tree.setStyleSheet(
            "QTreeWidget {{ background: {panel}; color: {text}; border: 1px solid {line}; border-radius: 8px;"
            " padding: 6px; outline: none; show-decoration-selected: 1; }} QTreeWidget::item {{ padding: 4px 3px; }}"
            " QTreeWidget::item:selected {{ background: {sel}; color: {text}; }}"
            " QTreeWidget::item:hover:!selected {{ background: {raised}; }}".format(**names)
        )
        for number in range(self.tree.topLevelItemCount()):
            self.tree.topLevelItem(number).setForeground(0, theme.color("dim"))
        if self.key:
            self._write()

    def _write(self) -> None:
        bar = self.browser.verticalScrollBar()
        at = bar.value()
        self.browser.setMarkdown(self.text(self.key))
        self._arrange(self.browser.document())
        bar.setValue(at)
        self._mark()

    def _arrange(self, document: QTextDocument) -> None:
        # tables in the colours of the theme, with air in the cells; headings apart from what is above them
        line = self._theme.color("line") if self._theme is not None else QColor("gray")
        document.setDocumentMargin(10)
        for frame in document.rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                look = frame.format()
                look.setCellPadding(5)
                look.setBorder(1)
                look.setBorderStyle(look.BorderStyle.BorderStyle_Solid)
                look.setBorderBrush(line)
                look.setBorderCollapse(True)
                frame.setFormat(look)
        block, cursor = document.begin(), QTextCursor(document)
        while block.isValid():
            if block.blockFormat().headingLevel() > 1:
                apart = block.blockFormat()
                apart.setTopMargin(1.3 * self.fontMetrics().height())
                apart.setBottomMargin(0.4 * self.fontMetrics().height())
                cursor.setPosition(block.position())
                cursor.setBlockFormat(apart)
            block = block.next()

    # -- pages --------------------------------------------------------------------------------------------------------

    def text(self, key: str) -> str:
        """A page as Markdown, read once."""
        if key not in self._texts:
            self._texts[key] = help_text.text(key)
        return self._texts[key]

    def show_page(self, page: str) -> None:
        """Show the page of that key, and the window."""
        self.go(page)
        self.show()
        self.raise_()
        self.browser.setFocus()  # so that the page scrolls with the keys

    def go(self, key: str) -> None:
        """Show a page; the one before can be gone back to."""
        if self.key and key != self.key:
            self.past.append(self.key)
            self.future.clear()
        self._show(key)

    def back(self) -> None:
        """The page shown before."""
        if self.past:
            self.future.append(self.key)
            self._show(self.past.pop())

    def forward(self) -> None:
        """The page one came back from."""
        if self.future:
            self.past.append(self.key)
            self._show(self.future.pop())

    def _show(self, key: str) -> None:
        changed = key != self.key
        self.key = key
        self.setWindowTitle(f"{help_text.title(key)} - Help")
        if changed:
            self.browser.verticalScrollBar().setValue(0)
        self._write()
        self.tree.blockSignals(True)
        self.tree.setCurrentItem(self.items[key])
        self.tree.blockSignals(False)
        self.back_button.setEnabled(bool(self.past))
        self.forward_button.setEnabled(bool(self.future))

    def _picked(self, now: QTreeWidgetItem | None, before: QTreeWidgetItem | None) -> None:
        key = now.data(0, _KEY) if now is not None else None
        if key and key != self.key:
            self.go(key)

    def _clicked(self, url: QUrl) -> None:
        link = url.toString()
        page = help_links.page_of(link)
        if page in self.items:
            self.go(page)
        elif self._window is not None and help_links.known(link):
            help_links.follow(self._window, link)

    # -- search -------------------------------------------------------------------------------------------------------

    def _searched(self, typed: str) -> None:
        words = [word_pattern(word) for word in typed.split()]
        found = 0
        for key, item in self.items.items():
            match = all(word.search(self.text(key)) or word.search(item.text(0)) for word in words)
            item.setHidden(not match)
            found += match
        for number in range(self.tree.topLevelItemCount()):
            branch = self.tree.topLevelItem(number)
            assert branch is not None
            branch.setHidden(all(branch.child(n).isHidden() for n in range(branch.childCount())))
        self.count.setText(f"{found} of {len(self.items)} pages" if words else "")
        self.count.setVisible(bool(words))
        self._open_result(bool(words))

    def _open_result(self, searching: bool) -> None:
        """Show a page that matches, at the first place, or take every mark away."""
        shown = [key for key, item in self.items.items() if not item.isHidden()]
        cursor = self.browser.textCursor()
        cursor.clearSelection()
        self.browser.setTextCursor(cursor)
        if searching and shown and self.key not in shown:
            best = min(shown, key=lambda key: not self._titled(key))
            if self._looking:  # the page where the search began is the one to go back to
                self._show(best)
            else:
                self.go(best)
        self._looking = searching
        self._mark()
        if searching:
            self._reveal()

    def _titled(self, key: str) -> bool:
        return all(word_pattern(word).search(self.items[key].text(0)) for word in self.search.text().split())

    def _reveal(self) -> None:
        if self._first_mark is not None:
            at = QTextCursor(self._first_mark)
            at.setPosition(at.selectionStart())
            self.browser.setTextCursor(at)
            self.browser.ensureCursorVisible()

    def _next_result(self) -> None:
        """Enter: the next page that matches, the first one after the last."""
        shown = [key for key, item in self.items.items() if not item.isHidden()]
        if shown:
            at = shown.index(self.key) + 1 if self.key in shown else 0
            self.go(shown[at % len(shown)])
            self._reveal()

    def _mark(self) -> None:
        marks: list[QTextEdit.ExtraSelection] = []
        colour = self._theme.color("sel") if self._theme is not None else QColor("yellow")
        document = self.browser.document()
        firsts: list[QTextCursor] = []
        for word in self.search.text().split():
            pattern = QRegularExpression(
                word_pattern(word).pattern, QRegularExpression.PatternOption.CaseInsensitiveOption
            )
            cursor = document.find(pattern)
            firsts += [cursor] if not cursor.isNull() else []
            while not cursor.isNull() and len(marks) < MARKS:
                mark = QTextEdit.ExtraSelection()
                mark.cursor = cursor  # type: ignore[attr-defined]
                mark.format.setBackground(colour)  # type: ignore[attr-defined]
                marks.append(mark)
                cursor = document.find(pattern, cursor)
        self.browser.setExtraSelections(marks)
        self._first_mark = min(firsts, key=QTextCursor.selectionStart, default=None)
