/** The page's looks. Pictures take their greys from here, so that they suit dark screens as well. */
export const STYLE = `
:root{--page:#fbfbfa;--card:#ffffff;--ink:#1f2328;--muted:#5b6470;--line:#e4e7eb;--accent:#0067a3;--good:#00734f;--bad:#b34700;--code:#f2f4f6}
@media (prefers-color-scheme:dark){:root{--page:#14171b;--card:#1b1f24;--ink:#e6e9ed;--muted:#9aa4b0;--line:#2d333b;--accent:#6cb8f0;--good:#4fc596;--bad:#f2915a;--code:#22272e}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--ink);font:400 15px/1.6 Inter,sans-serif}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 28px}
header{padding-top:52px}
h1{margin:0;font-size:32px;font-weight:600;letter-spacing:-.02em;line-height:1.2}
h2{margin:0 0 16px;font-size:20px;font-weight:600;letter-spacing:-.01em}
.lead{max-width:none;margin:8px 0 0;color:var(--muted)}
.state{display:inline-block;margin:16px 0 0;padding:2px 12px;border:1px solid currentColor;border-radius:99px;font-size:13px;font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--muted)}.strong{font-weight:600}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:24px;padding-bottom:14px;border-bottom:1px solid var(--line);font-size:14px}
nav a{color:var(--accent);text-decoration:none}nav a:hover{text-decoration:underline}
section{padding:36px 0 4px}
p{max-width:76ch;margin:0 0 12px}
.note{font-size:13px;color:var(--muted);margin-top:8px}
ul{max-width:92ch;margin:0 0 16px;padding-left:20px}li{margin:0 0 6px}li::marker{color:var(--muted)}li.good,li.bad{color:inherit}li.good::marker{color:var(--good)}li.bad::marker{color:var(--bad)}li strong{font-weight:600;color:var(--bad)}
dl{margin:0 0 16px;display:grid;gap:0}
dl div{display:grid;grid-template-columns:minmax(150px,310px) 1fr;gap:16px;padding:6px 0;border-bottom:1px solid var(--line)}
dl div:last-child{border-bottom:0}
dt{color:var(--muted);overflow-wrap:anywhere}dd{margin:0;overflow-wrap:anywhere}
pre{margin:0 0 12px;padding:14px 16px;background:var(--code);border-radius:8px;overflow-x:auto;font-size:13px;line-height:1.5}
figure{margin:0 0 24px;padding:6px;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow-x:auto;min-height:120px}
.table+figure,.note+figure{margin-top:24px}
figure svg{display:block;max-width:100%;height:auto;margin:0 auto}
.table{overflow:auto;max-height:640px;border:1px solid var(--line);border-radius:10px;background:var(--card)}
table{font-variant-numeric:tabular-nums;border-collapse:separate;border-spacing:0;width:100%;font-size:13.5px;line-height:1.45}
th{position:sticky;top:0;padding:0;background:var(--card);border-bottom:1px solid var(--line);text-align:left;vertical-align:bottom}
th button{all:unset;display:block;box-sizing:border-box;width:100%;padding:10px;cursor:pointer;font-weight:600;color:var(--ink)}
th button:focus-visible,nav a:focus-visible{outline:2px solid var(--accent);outline-offset:-2px}
th[aria-sort] button{color:var(--accent)}
th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
td{padding:7px 10px;border-bottom:1px solid var(--line)}
tbody tr:last-child td{border-bottom:0}tbody tr:hover td{background:var(--code)}
.n{text-align:right}td.n{white-space:nowrap}
details{margin:0 0 16px}summary{display:inline-block;margin-bottom:12px;cursor:pointer;font-weight:600;color:var(--accent)}summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
footer{padding-top:32px;padding-bottom:48px;color:var(--muted);font-size:13px}
#tip{position:fixed;z-index:9;max-width:380px;padding:8px 12px;background:var(--ink);color:var(--page);border-radius:8px;font-size:13px;line-height:1.5;pointer-events:none}
#tip[hidden]{display:none}#tip b{font-weight:600}
figure .role-title-text text,figure .role-axis-title text,figure .role-legend-title text,figure .role-legend-label text,figure .label_marks text,figure .pair_marks text,figure .metric_marks text,figure .ratio_text_marks text,figure .p_marks text,figure .g_marks text{fill:var(--ink)}
figure .role-title-subtitle text,figure .role-axis-label text,figure .caption_marks text,figure .reference_text_marks text,figure .column_marks text{fill:var(--muted)}
figure .role-axis-grid line,figure .role-axis-domain line,figure .role-axis-tick line{stroke:var(--line)}
figure .margin_marks path{fill:var(--line)}
figure .points_marks path,figure .compute_points_marks path,figure .memory_points_marks path,figure .ratio_marks path{stroke:var(--card)}
figure .halo_marks text{fill:var(--card);stroke:var(--card)}
figure .compute_cap_marks path,figure .memory_cap_marks path,figure .compute_cap_marks rect,figure .memory_cap_marks rect{fill:var(--ink)}
@media print{nav{display:none}.table{max-height:none;overflow:visible}body{background:#fff}}
`
