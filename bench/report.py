"""What bench.py tells: figures derived from a network's measurement, the table, the comparison, the chart."""
import math
from xml.sax.saxutils import escape

GROUPS = {"zoo": "the zoo", "float": "test models, float", "int8": "test models, int8",
          "partly": "test models, partly int8", "given": "given models"}
ENGINES = "zenithc", "ort", "openvino"


def median(v):
    s = sorted(v)
    return (s[(len(s) - 1) // 2] + s[len(s) // 2]) / 2


def derive(r):
    """Adds to what run said: best, r, r_median, r_all, limit_gops, share.

    r is the better engine's smallest time over zenithc's, of engines with the same answers, r_all of all; r_median is
    the median over the rounds of r's ratio of a round's medians; share is of the yardstick's best slice, by
    zenithc's smallest time.
    """
    ms = {e: r["engines"][e]["ms"] for e in ENGINES if "ms" in r.get("engines", {}).get(e, {})}
    if "zenithc" not in ms or len(ms) < 2:
        return
    own, fast = ms["zenithc"], min(ms[e]["min"] for e in ENGINES[1:] if e in ms)
    peers = [e for e in ENGINES[1:] if e in ms and "apart" not in r["engines"][e]]
    r["r_all"] = fast / own["min"]
    r["best"] = min(peers, key=lambda e: ms[e]["min"])
    r["r"] = ms[r["best"]]["min"] / own["min"]
    r["r_median"] = median([min(p[1] for p in others) / z[1]
                            for z, *others in zip(own["rounds"], *(ms[e]["rounds"] for e in peers))])
    if "limit" in r:
        r["limit_gops"] = max(r["limit"]["gops"])
        if r["macs"]:
            r["share"] = 2e-6 * r["macs"] / own["min"] / r["limit_gops"]


def mean(v):
    logs = [math.log(x) for x in v]
    return math.exp(sum(logs) / len(logs))


def geomeans(nets):
    out = {}
    for g in GROUPS:
        members = [n for n in nets if n["group"] == g and "skipped" not in n]
        done = [n for n in members if "r" in n]
        if done:
            worst = min(done, key=lambda n: n["r"])
            out[g] = {"r": mean(n["r"] for n in done), "r_all": mean(n["r_all"] for n in done), "measured": len(done),
                      "of": len(members), "worst": worst["name"], "worst_r": worst["r"]}
    return out


def time(ms):
    if not ms:
        return "-".rjust(17)
    return f"{figure(ms['min']):>8} {figure(ms['median']):>8}"


def figure(x):
    digits = next(d for d, most in ((6, 0.001), (4, 0.1), (3, 10), (2, 100), (0, math.inf)) if x < most)
    return f"{x:.{digits}f}"


def head(run):
    m = run["machine"]
    return (f"{run['zenithc']}, {run['cc']} ({run['compiler']}), {run['threads']} thread(s), {run['clock']} time, "
            f"{m['cpu']}, load {m['load']}\n"
            f"{'ms, min and median':<26}{'MMAC':>8}  {'zenithc':>17}  {'ort':>17}  {'openvino':>17} {'r':>7}"
            f" {'r med':>7} {'share':>6} {'differs':>8} {'cc s':>6}")


def row(r):
    if "skipped" in r:
        return f"{r['name']:<26}  not measured: {r['skipped']}"
    if "r" not in r:
        whys = [f"{e}: {v['why']}" for e, v in r.get("engines", {}).items() if "why" in v]
        diffs = [f"{k} {v if v is None else format(v, '.1e')}" for k, v in r.get("diff", {}).items()]
        return f"{r['name']:<26}  NOT TIMED: {'; '.join([r.get('error', '?'), *whys, *diffs])[:300]}"
    engines = r["engines"]
    share = f"{100 * r['share']:.{r['share'] < 0.1:d}f}%" if "share" in r else "-"
    same = [e for e in ENGINES[1:] if e in engines and not {"why", "apart"} & set(engines[e])]
    diff = max(r["diff"]["zenithc/" + e] for e in same)
    macs = figure(r["macs"] / 1e6) if r["macs"] else "-"
    text = (f"{r['name']:<26}{macs:>8}  " + "  ".join(time(engines.get(e, {}).get("ms")) for e in ENGINES) +
            f" {r['r']:>7.3f} {r['r_median']:>7.3f} {share:>6} {diff:>8.1e} {r['cc_s']:>6.1f}")
    for e, v in engines.items():
        if "why" in v:
            text += f"\n{'':<26}  without {e}: {' '.join(v['why'].split())[:160]}"
        if "apart" in v:
            text += (f"\n{'':<26}  {e}'s answers differ by {r['diff']['zenithc/' + e] or math.inf:.2g}: it does not "
                     f"count; if it did, r would be {r['r_all']:.3f}")
    if "note" in r:
        text += f"\n{'':<26}  {r['note'][:160]}"
    if "error" in r:
        text += f"\n{'':<26}  {r['error']}"
    return text


def foot(run):
    limits = [n["limit_gops"] for n in run["nets"] if "limit_gops" in n and n["kind"] in ("float", "half")]
    lines = []
    for g, v in run["geomean"].items():
        lines.append(f"geometric mean of r, {GROUPS[g]}: {v['r']:.3f} ({v['measured']} of {v['of']} measured; worst: "
                     f"{v['worst']} {v['worst_r']:.3f}")
        lines[-1] += f"; with engines whose answers differ {v['r_all']:.3f})" if v["r_all"] < v["r"] else ")"
    if limits:
        lines.append(f"fed FMA loop: {max(limits):.0f} GFLOP/s at best, {min(limits):.0f} in the slowest network's run")
    failed = [n["name"] for n in run["nets"] if "error" in n]
    if failed:
        lines.append(f"not timed: {' '.join(failed)}")
    return "\n".join(lines)


def against(run, old):
    """Each network of both runs; times are also set in relation to the yardstick of their run, since clocks differ."""
    before = {(n["group"], n["name"]): n for n in old["nets"] if "r" in n}
    lines = [f"against {old['zenithc']}, {old['threads']} thread(s), {old['machine']['cpu']}",
             f"{'':<26}{'ms then':>9}{'ms now':>9}{'faster':>8}{'by clock':>9}{'r then':>8}{'r now':>8}"]
    gains = []
    for n in run["nets"]:
        b = before.pop((n["group"], n["name"]), None)
        if "r" not in n or not b:
            lines.append(f"{n['name']:<26}  {'not in both' if 'r' in n else 'not timed now' if b else 'in neither'}")
            continue
        then, today = b["engines"]["zenithc"]["ms"]["min"], n["engines"]["zenithc"]["ms"]["min"]
        clock = b.get("limit_gops", 1) / n.get("limit_gops", 1) if "limit_gops" in b and "limit_gops" in n else 1
        gains.append(then / today * clock)
        lines.append(f"{n['name']:<26}{figure(then):>9}{figure(today):>9}{then / today:>8.3f}{gains[-1]:>9.3f}"
                     f"{b['r']:>8.3f}{n['r']:>8.3f}")
    if gains:
        lines.append(f"geometric mean, by clock: {mean(gains):.3f} times as fast")
    return "\n".join(lines)


def svg(run):
    """Bars of r on a logarithmic axis, one line per network, groups apart; the line at 1 is the better engine."""
    left, width, step = 190, 560, 16
    nets = [n for g in GROUPS for n in run["nets"] if n["group"] == g and "r" in n]
    low = min([0.25] + [n["r"] for n in nets])
    high = max([4] + [n["r"] for n in nets])

    def x(r):
        return left + width * math.log(r / low) / math.log(high / low)
    lines, y, group = [], 40, None
    for n in nets:
        if n["group"] != group:
            group = n["group"]
            y += step + 8
            lines.append(f'<text x="10" y="{y - 4}" font-weight="bold">{GROUPS[group]}: '
                         f'{run["geomean"][group]["r"]:.2f}</text>')
        a, b = sorted((x(1), x(n["r"])))
        color = "#2a7f5f" if n["r"] >= 1 else "#b5523b"
        lines.append(f'<text x="{left - 6}" y="{y + 11}" text-anchor="end">{escape(n["name"])}</text>'
                     f'<rect x="{a:.1f}" y="{y + 1}" width="{b - a:.1f}" height="{step - 4}" fill="{color}"/>'
                     f'<text x="{left + width + 8}" y="{y + 11}">{n["r"]:.2f}</text>')
        y += step
    grid = [r for r in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= r <= high]
    axis = "".join(f'<line x1="{x(r):.1f}" x2="{x(r):.1f}" y1="44" y2="{y + 4}" '
                   f'stroke="{"#000" if r == 1 else "#ddd"}"/>'
                   f'<text x="{x(r):.1f}" y="{y + 18}" text-anchor="middle">{r:g}</text>' for r in grid)
    title = f"better engine's time / {run['zenithc']}'s, {run['threads']} thread(s), {run['machine']['cpu']}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" height="{y + 30}" '
            f'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n'
            f'<text x="10" y="22" font-size="14">{escape(title)}</text>\n{axis}\n' + "\n".join(lines) + "\n</svg>\n")
