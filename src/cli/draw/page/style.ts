/** The style of a page: for screens of any width, light or dark, and for paper. Needs no font and no image. */

export const style = `
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1e21; --quiet: #5a6169; --line: #dfe3e6; --bar: #2c6e9b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --text: #e7eaed; --quiet: #a0a8b0; --line: #31373d; --bar: #6aaedd;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
}
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 3rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.01em; text-wrap: balance; }
h2 { margin: 0 0 1rem; font-size: 1.15rem; line-height: 1.3; font-weight: 600; }
section { margin: 3rem 0 0; }
p { margin: 0; }
.about, figcaption, footer, .rest { color: var(--quiet); font-size: 0.875rem; }
.about { margin: 0.6rem 0 0; overflow-wrap: anywhere; }
.totals {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 1.25rem 2rem; margin: 2.25rem 0 0;
  border-top: 2px solid var(--text); padding-top: 1rem;
}
.totals div { min-width: 0; }
dt { color: var(--quiet); font-size: 0.875rem; }
dd { margin: 0; font-size: 1.6rem; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
dd + dd { color: var(--quiet); font-size: 0.875rem; font-weight: 400; }
figure { margin: 0; }
figcaption { margin-top: 0.75rem; }
.plot { display: grid; grid-template-columns: auto minmax(0, 1fr); }
svg { display: block; overflow: visible; }
svg text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
.columns rect, .share rect { fill: var(--bar); }
.columns .part { fill-opacity: 0.45; }
.columns g:hover rect { fill: var(--text); }
.columns line, .scale line { stroke: var(--line); stroke-width: 1; }
.columns .base { stroke: var(--quiet); }
.share { margin: 0.25rem 0 0.15rem; }
details { margin-top: 0.75rem; }
summary { width: fit-content; color: var(--quiet); font-size: 0.875rem; cursor: pointer; }
details[open] summary { margin-bottom: 0.75rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--bar); outline-offset: 3px; }
table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
caption { position: sticky; left: 0; max-width: calc(100vw - 2.5rem); text-align: left; color: var(--quiet); font-size: 0.875rem; padding-bottom: 0.5rem; }
th, td { padding: 0.45rem 0 0.45rem 1.25rem; text-align: right; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: 400; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 0; }
thead th { color: var(--quiet); font-size: 0.8125rem; vertical-align: bottom; }
th.name, td.name { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
.shares th.name { width: 45%; }
td.time, th.time { text-align: left; }
th .rest, td .rest { font-size: inherit; }
tfoot th, tfoot td { border-bottom: 0; color: var(--quiet); }
footer { margin-top: 4rem; padding-top: 1rem; padding-bottom: 3rem; }
@media (max-width: 40rem) {
  header { padding-top: 1.75rem; }
  h1 { font-size: 1.5rem; }
  dd { font-size: 1.3rem; }
  section { margin-top: 2.25rem; }
  .more { display: none; }
  table { font-size: 0.8125rem; }
  th, td { padding-left: 0.75rem; }
  th.name, td.name { min-width: 6rem; }
}
@media print {
  :root { --page: #fff; --text: #000; --quiet: #444; --line: #bbb; --bar: #2c6e9b; }
  body { font-size: 10pt; print-color-adjust: exact; }
  header, main, footer { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  summary { display: none; }
  figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`
