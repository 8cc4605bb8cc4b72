// Pictures of what is on the screen: all panels and the legend as one SVG, or the same as PNG.

function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "font-size", "font-weight", "font-family"];

function picture(panels, lines, background) {
  const columns = panels.length > 1 ? 2 : 1;
  const { width, height } = panels[0];
  const across = columns * width + (columns - 1) * 16;
  const rows = Math.ceil(panels.length / columns);
  const perRow = Math.max(1, Math.floor(across / 240));
  const legend = 20 * Math.ceil(lines.length / perRow) + 12;
  const whole = document.createElementNS(SVG, "svg");
  const size = { width: across, height: rows * height + legend };
  for (const [k, v] of Object.entries({ xmlns: SVG, viewBox: `0 0 ${size.width} ${size.height}`, ...size })) whole.setAttribute(k, v);
  shape(whole, "rect", { ...size, fill: background });
  const style = getComputedStyle(panels[0].title);
  lines.forEach((line, i) => {
    const at = { x: (i % perRow) * 240 + 4, y: 16 + 20 * Math.floor(i / perRow) };
    const dash = line.dash.join(" ") === "1 0" ? "none" : line.dash.join(" ");
    shape(whole, "line", { x1: at.x, x2: at.x + 28, y1: at.y - 4, y2: at.y - 4, stroke: line.colour, "stroke-width": 3, "stroke-dasharray": dash });
    shape(whole, "text", { x: at.x + 34, y: at.y, "font-size": 13, "font-family": style.fontFamily, fill: style.fill }, line.name);
  });
  panels.forEach((panel, i) => {
    const copy = panel.svg.cloneNode(true);
    const originals = panel.svg.querySelectorAll("*");
    copy.querySelectorAll("*").forEach((node, k) => {
      const computed = getComputedStyle(originals[k]);
      for (const name of KEPT) node.setAttribute(name, computed.getPropertyValue(name));
    });
    copy.querySelector(".cursor")?.remove();
    copy.setAttribute("x", (i % columns) * (width + 16));
    copy.setAttribute("y", legend + Math.floor(i / columns) * height);
    whole.append(copy);
  });
  return { text: new XMLSerializer().serializeToString(whole), ...size };
}

function saveSvg(panels, lines, background) {
  download("losses.svg", new Blob([picture(panels, lines, background).text], { type: "image/svg+xml" }));
}

async function savePng(panels, lines, background) {
  const { text, width, height } = picture(panels, lines, background);
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => download("losses.png", blob), "image/png");
}

function saveCsv(lines) {
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = ["loss,curve,y,logit,probability,value,gradient"];
  for (const line of lines) {
    for (const y of [1, 0]) {
      const side = line.sides[y];
      for (let i = 0; i < POINTS; i++) {
        const numbers = [line.grid.logit[i], line.grid.probability[i], side.value[i], side.gradient[i]];
        rows.push([quoted(line.entry.key), quoted(line.name), y, ...numbers].join(","));
      }
    }
  }
  download("losses.csv", new Blob([rows.join("\n") + "\n"], { type: "text/csv" }));
}
