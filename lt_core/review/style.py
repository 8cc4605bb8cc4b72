"""The look of a report: readable on a phone and on A4, light and dark on screen, always light in print."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --ink: #1b2a33; --quiet: #52626b; --line: #ccd4d8; --paper: #fff; --band: #f2f5f6;
  --sign: #0b6e75; --warn: #8a4b00; --warn-band: #fff4e2; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6ecef; --quiet: #a9b6bd; --line: #3d4a52;
  --paper: #12191d; --band: #1c262b; --sign: #5cc5cc; --warn: #ffc46b; --warn-band: #33270f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Helvetica, Arial,
  sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; padding-top: .5rem; border-top: 2px solid var(--sign); }
h3 { font-size: 1.05rem; margin: 1.7rem 0 .4rem; }
p, ul { margin: .5rem 0; max-width: 46rem; } li { margin: .2rem 0; }
a { color: var(--sign); } code { font-size: .9em; overflow-wrap: anywhere; }
.lead { color: var(--quiet); }
.notice { background: var(--warn-band); color: var(--warn); border-left: 4px solid currentColor; padding: .6rem .9rem;
  max-width: 46rem; font-weight: 600; }
.unstated { color: var(--quiet); font-style: italic; }
nav ul { columns: 3 11rem; padding-left: 1.1rem; }
dl { display: grid; grid-template-columns: minmax(9rem, 15rem) 1fr; margin: .6rem 0; }
dt, dd { margin: 0; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); }
dt { color: var(--quiet); } dd { overflow-wrap: anywhere; min-width: 0; }
.wide { overflow-x: auto; margin: .8rem 0 1.2rem; } .wide:focus-visible { outline: 2px solid var(--sign); }
table { border-collapse: collapse; font-size: .86rem; line-height: 1.3; }
caption { text-align: left; color: var(--quiet); padding: 0 0 .5rem; font-size: .86rem; max-width: 46rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .55rem .3rem 0; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; }
th { font-weight: 600; } tbody th { max-width: 16rem; }
tbody.means { background: var(--band); }
.number { text-align: right; } .range { display: block; color: var(--quiet); font-size: .8em; white-space: nowrap; }
figure { margin: 1rem 0 1.4rem; } figure svg { max-width: 100%; height: auto; background: #fff; border-radius: 4px;
  padding: .5rem; } figcaption { color: var(--quiet); font-size: .86rem; max-width: 46rem; }
.formula { overflow-x: auto; padding: .6rem 0; } math { font-size: 1.1rem; } mtable.cases mtd { text-align: left; }
@media (max-width: 40rem) { main { padding: 1rem .9rem 3rem; } h1 { font-size: 1.5rem; }
  dl { grid-template-columns: 1fr; } dt { border: 0; padding-bottom: 0; } figure { overflow-x: auto; }
  figure svg { padding: .2rem; max-width: none; width: 36rem; }
  tbody th:first-child, thead th:first-child { position: sticky; left: 0; background: var(--paper); max-width: 8rem; } }
@page { size: A4; margin: 15mm 14mm 17mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 9px sans-serif; color: #52626b; }
  @bottom-left { content: "Not for diagnosis"; font: 9px sans-serif; color: #52626b; } }
@media print { :root { color-scheme: light; } body { font-size: 10pt; line-height: 1.4; }
  main { max-width: none; padding: 0; } h1 { font-size: 18pt; } h2 { font-size: 13pt; margin-top: 1.6rem; }
  h2, h3 { break-after: avoid; } nav { display: none; } .wide { overflow: visible; }
  table { font-size: 7.6pt; width: 100%; } caption > span { max-width: none; }
  caption, figcaption { font-size: 8pt; max-width: none; }
  thead { display: table-header-group; } tr, figure, dl, .notice, .keep { break-inside: avoid; }
  th, td { padding: .2rem .35rem .2rem 0; } p, ul, .notice { max-width: none; orphans: 3; widows: 3; }
  dl { grid-template-columns: 48mm 1fr; } dt, dd { padding: .12rem .4rem .12rem 0; } a { color: inherit; }
  figure svg { padding: 0; max-height: 116mm; }
  figure.tall svg { max-height: 185mm; } .new-page { break-before: page; } }
"""
