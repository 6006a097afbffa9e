import { expect, test } from 'bun:test'
import { html } from './markup.ts'

test.each<[Parameters<typeof html>[1], string]>([
  ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['" onload="x', '&quot; onload=&quot;x'],
  ["' onload='x", '&#x27; onload=&#x27;x'],
  ['&lt;', '&amp;lt;'],
  [']]>--><!--', ']]&gt;--&gt;&lt;!--'],
  ['a\u0000b\u001b[31mc\u007f\n', 'a\u2400b\u241b[31mc\u2421\u240a'],
  ['tag\u{e0041} txt.\u202eexe', 'tag\\u{e0041} txt.\\u202eexe'],
  [7, '7'],
  [null, ''],
  [html`<b>${'<'}</b>`, '<b>&lt;</b>'],
  [[html`<i>x</i>`, '<', [null, 1]], '<i>x</i>&lt;1'],
])('%p', (content, expected) => {
  expect(html`<p title="${content}">${content}</p>`.toString()).toBe(`<p title="${expected}">${expected}</p>`)
})
