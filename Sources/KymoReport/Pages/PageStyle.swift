// Style sheet and scripts of the page. The scripts note every problem in the document element
// (data-problems), so that a test, or a person who looks, sees what could not be drawn.

enum PageStyle {
  static let sheet: HTML = """
    :root { --text: #222; --muted: #666; --rule: #d9d9d9; --accent: #0072b2; }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 1100px; padding: 28px 24px 40px; color: var(--text);
      background: #fff; font: 15.5px/1.55 "DejaVu Sans", Verdana, Helvetica, Arial, sans-serif; }
    header { border-bottom: 1px solid var(--rule); padding-bottom: 14px; }
    .brand { margin: 0; font-weight: 700; color: var(--accent); }
    .brand span { font-weight: 400; color: var(--muted); margin-left: 8px; font-size: 13.5px; }
    h1 { margin: 10px 0 2px; font-size: 29px; line-height: 1.2; font-weight: 600;
      overflow-wrap: anywhere; }
    .subtitle { margin: 0 0 12px; color: var(--muted); }
    nav { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13.5px; }
    a { color: var(--accent); text-decoration: none; }
    a:hover { text-decoration: underline; }
    h2 { margin: 40px 0 12px; font-size: 20px; font-weight: 600; }
    .finding { margin: 0 0 20px; padding: 12px 18px; border-left: 4px solid var(--accent);
      background: #f4f8fb; font-size: 17px; }
    figure { margin: 14px 0 26px; }
    figure.narrow { display: grid; grid-template-columns: minmax(0, 640px) minmax(0, 1fr);
      column-gap: 26px; align-items: center; }
    figcaption { color: #444; font-size: 13.5px; line-height: 1.5; }
    .plot { width: 100%; min-width: 0; }
    .plot .modebar { opacity: 0; }
    .plot:hover .modebar { opacity: 1; }
    .film .panels { display: flex; gap: 14px; }
    .film .panels div { flex: 1; min-width: 0; }
    .film p { margin: 4px 0; font-size: 13.5px; }
    .film canvas { width: 100%; border: 1px solid var(--rule); }
    .film .controls { display: flex; gap: 12px; align-items: center; }
    .film input { flex: 1; }
    .table { overflow-x: auto; margin: 8px 0 20px; }
    table { border-collapse: collapse; border-top: 1.5px solid #333;
      border-bottom: 1.5px solid #333; font-size: 14px; font-variant-numeric: tabular-nums; }
    caption { caption-side: bottom; text-align: left; color: #444; font-size: 13px;
      padding-top: 8px; }
    thead { border-bottom: 1px solid #333; }
    th { font-weight: 600; }
    th, td { padding: 5px 14px; text-align: right; white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; padding-left: 4px; }
    td:first-child { white-space: normal; min-width: 11em; }
    table.text td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
    table.text td:first-child { color: var(--muted); white-space: nowrap; }
    .paper { color: var(--muted); }
    code, pre { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 13px; }
    pre { background: #f6f6f6; border: 1px solid #e6e6e6; border-radius: 3px; padding: 12px 14px;
      overflow-x: auto; line-height: 1.45; }
    .caution, .missing { background: #fff8e6; border-left: 4px solid #e69f00; padding: 10px 16px; }
    footer { margin-top: 44px; padding-top: 12px; border-top: 1px solid var(--rule);
      color: var(--muted); font-size: 13px; }
    @media (max-width: 860px) { figure.narrow { display: block; } }
    @media print {
      .film .controls { display: none; }
      body { max-width: none; padding: 0; font-size: 11pt; }
      nav, .modebar { display: none; }
      h2 { break-after: avoid; }
      figure, table, .finding { break-inside: avoid; }
      figure.narrow { display: block; }
      pre { white-space: pre-wrap; }
      .table { overflow: visible; }
      table { font-size: 8pt; }
      th, td { padding: 3px 6px; }
      .finding, pre, .caution, .missing { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
    }
    """

  static let problemCollector: HTML = """
    "use strict";
    var kymoProblems = [];
    function kymoProblem(text) {
      kymoProblems.push(text);
      document.documentElement.setAttribute("data-problems", kymoProblems.join("; "));
    }
    window.addEventListener("error", function (event) {
      kymoProblem(event.message || "a resource did not load");
    }, true);
    window.addEventListener("unhandledrejection", function (event) {
      kymoProblem(String(event.reason));
    });
    document.addEventListener("securitypolicyviolation", function (event) {
      kymoProblem("blocked " + event.violatedDirective + " " + event.blockedURI);
    });
    """

  static let films: HTML = """
    "use strict";
    document.querySelectorAll(".film").forEach(function (figure) {
      var film = JSON.parse(figure.querySelector("script").textContent);
      var rows = film.shape[0], columns = film.shape[1];
      var knob = figure.querySelector("input"), word = figure.querySelector("output");
      var button = figure.querySelector("button");
      function part(colour, place) { return parseInt(colour.substr(1 + 2 * place, 2), 16); }
      var panels = Array.prototype.map.call(figure.querySelectorAll("canvas"), function (canvas, n) {
        var text = atob(film.cells[n]), cells = new Uint8Array(text.length);
        for (var i = 0; i < text.length; i++) { cells[i] = text.charCodeAt(i); }
        var colours = film.colours[n], palette = new Uint8ClampedArray(1024);
        for (var value = 0; value < 256; value++) {
          var place = value / 255 * (colours.length - 1);
          var low = Math.min(Math.floor(place), colours.length - 2), rest = place - low;
          for (var c = 0; c < 3; c++) {
            palette[4 * value + c] =
              (1 - rest) * part(colours[low], c) + rest * part(colours[low + 1], c);
          }
          palette[4 * value + 3] = 255;
        }
        return { pen: canvas.getContext("2d"), cells: cells, palette: palette };
      });
      function draw(frame) {
        panels.forEach(function (panel) {
          var image = panel.pen.createImageData(columns, rows);
          for (var row = 0; row < rows; row++) {
            for (var column = 0; column < columns; column++) {
              var value = panel.cells[(frame * rows + row) * columns + column];
              var place = 4 * ((rows - 1 - row) * columns + column);
              for (var c = 0; c < 4; c++) { image.data[place + c] = panel.palette[4 * value + c]; }
            }
          }
          panel.pen.putImageData(image, 0, 0);
          film.circles.forEach(function (circle) {
            panel.pen.beginPath();
            panel.pen.arc(circle.centre[1], rows - circle.centre[0], circle.radius, 0, 7);
            panel.pen.fillStyle = "#bdbdbd";
            panel.pen.fill();
            panel.pen.stroke();
          });
        });
        knob.value = frame;
        word.textContent = "t = " + film.times[frame];
      }
      var timer = null;
      function play(runs) {
        clearInterval(timer);
        timer = runs ? setInterval(function () {
          draw((Number(knob.value) + 1) % film.times.length);
        }, 120) : null;
        button.textContent = runs ? "Pause" : "Play";
      }
      knob.addEventListener("input", function () { play(false); draw(Number(knob.value)); });
      button.addEventListener("click", function () { play(timer === null); });
      draw(0);
      play(!window.matchMedia("(prefers-reduced-motion: reduce)").matches);
    });
    """

  static let drawing: HTML = """
    "use strict";
    (function () {
      var places = Array.prototype.slice.call(document.querySelectorAll(".plot"));
      function draw(place) {
        var name = place.id.replace("figure-", "");
        return Promise.resolve().then(function () {
          var figure = JSON.parse(document.getElementById("data-" + name).textContent);
          return Plotly.newPlot(place, figure.data, figure.layout, {
            responsive: true, displaylogo: false,
            modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
            toImageButtonOptions: { format: "svg", filename: name }
          });
        }).then(function () { return name; }, function (reason) {
          place.textContent = "This figure could not be drawn: " + reason;
          kymoProblem(name + ": " + reason);
          return null;
        });
      }
      Promise.all(places.map(draw)).then(function (names) {
        document.documentElement.setAttribute(
          "data-drawn", names.filter(function (name) { return name; }).join(" "));
      });
      function fit(width) {
        places.forEach(function (place) {
          if (place.layout) { Plotly.relayout(place, { width: width, autosize: !width }); }
        });
      }
      window.addEventListener("beforeprint", function () { fit(660); });
      window.addEventListener("afterprint", function () { fit(null); });
    })();
    """
}
