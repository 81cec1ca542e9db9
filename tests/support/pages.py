"""Reads the pages of reports as a browser does: elements, texts, and the data in script elements."""

import html.parser
import json

_VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(html.parser.HTMLParser):
  """A parsed page.

  Attributes:
    elements: name and attributes of each element, in order.
    texts: texts outside of scripts and styles, in order.
    scripts: texts of script elements by id; that of the script itself has the id None.
    unclosed: names of elements that are open at the end, or were closed out of order.
  """

  def __init__(self, text):
    super().__init__()
    self.elements, self.texts, self.scripts, self.unclosed, self._open = [], [], {}, [], []
    self.feed(text)
    self.close()
    self.unclosed += [name for name, _ in self._open]

  def handle_starttag(self, tag, attrs):
    self.elements.append((tag, dict(attrs)))
    if tag not in _VOID:
      self._open.append((tag, dict(attrs)))

  def handle_startendtag(self, tag, attrs):
    self.elements.append((tag, dict(attrs)))

  def handle_endtag(self, tag):
    if self._open and self._open[-1][0] == tag:
      self._open.pop()
    else:
      self.unclosed.append(tag)

  def handle_data(self, data):
    tag, attributes = self._open[-1] if self._open else ("", {})
    if tag == "script":
      self.scripts[attributes.get("id")] = data
    elif tag != "style":
      self.texts.append(data)

  @property
  def data(self):
    return json.loads(self.scripts["data"])

  @property
  def sections(self):
    return [attributes["id"] for tag, attributes in self.elements if tag == "section"]

  @property
  def text(self):
    return " ".join(self.texts)


def read_page(directory):
  return Page((directory / "report.html").read_text(encoding="utf-8"))
