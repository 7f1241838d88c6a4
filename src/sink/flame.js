/*
 * flame.js: what a flame graph does in a browser: zooms, searches, tells counts. It stands in each SVG
 * that flame_svg.c writes.
 *
 * Each frame is a <g class="f ..."> with data-x, data-w (in counts), data-d (depth) and data-n (its
 * name). Pure functions come first; they know nothing of the document, and a test runs them.
 */
"use strict";
const FRAME = 17, TOP = 56, BOTTOM = 26, SIDE = 10;

/* Where a frame stands while [from, from + width) of the counts fills `room` pixels; null: outside. */
function place(x, w, from, width, room) {
	const left = Math.max(x, from), right = Math.min(x + w, from + width);

	if (right <= left)
		return null;
	return { x: (left - from) / width * room, w: (right - left) / width * room };
}

/* A name in so many letters: cut, or nothing. */
function fit(name, letters) {
	const n = Math.floor(letters), all = Array.from(name);

	if (n < 3)
		return "";
	return all.length <= n ? name : all.slice(0, n - 2).join("") + "..";
}

function percent(part, whole) {
	return whole ? (100 * part / whole).toFixed(part && part / whole < 0.001 ? 3 : 1) + "%" : "0%";
}

function number(n) {
	return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/* Counts that frames with a match cover: what lies in another match counts once. */
function matched(frames, match) {
	let sum = 0, end = -1;
	const hits = frames.filter(f => match(f.n)).sort((a, b) => a.x - b.x || b.w - a.w);

	for (const f of hits) {
		if (f.x + f.w <= end)
			continue;
		sum += f.x + f.w - Math.max(f.x, end);
		end = Math.max(end, f.x + f.w);
	}
	return sum;
}

/* What the address of the page remembers: the pattern, and where the frame is that fills the width. */
function written(pattern, frame) {
	const words = new URLSearchParams();

	if (pattern)
		words.set("s", pattern);
	if (frame)
		words.set("f", frame.d + "." + frame.x);
	return words.toString();
}

function read(text) {
	const words = new URLSearchParams(text), at = (words.get("f") || "").split(".").map(Number);

	return { pattern: words.get("s") || "", d: at[0], x: at[1] };
}

/* A regular expression, or the text itself while it is none. Without capitals, letters match both. */
function matcher(text) {
	const flags = text === text.toLowerCase() ? "i" : "";

	if (!text)
		return null;
	try {
		const re = new RegExp(text, flags);
		return n => re.test(n);
	} catch (e) {
		return n => n.includes(text);
	}
}

/* ---- the document */

function start(svg) {
	const byId = id => svg.getElementById(id);
	const unit = svg.getAttribute("data-unit"), total = Number(svg.getAttribute("data-total"));
	const frames = Array.from(svg.querySelectorAll("g.f"), g => ({
		g, n: g.getAttribute("data-n"), x: Number(g.getAttribute("data-x")),
		w: Number(g.getAttribute("data-w")), d: Number(g.getAttribute("data-d")),
		rect: g.querySelector("rect"), text: g.querySelector("text") || g.appendChild(document.createElementNS(svg.namespaceURI, "text")),
	})).sort((a, b) => a.d - b.d || a.x - b.x);
	const deepest = frames.reduce((d, f) => Math.max(d, f.d), 0);
	const title = byId("title").textContent, input = byId("pattern"), detail = byId("detail"), share = byId("share");
	const foot = byId("foot"), whole = svg === document.documentElement;
	let zoomed = frames[0], icicle = false, chosen = null, letter = 7.2;

	function describe(f) {
		const least = Number(svg.dataset.least);
		const part = f !== frames[0] ? ", " + percent(f.w, total) :
			least ? ", boxes below " + number(least) + " left out" : "";
		const near = zoomed !== frames[0] && f !== zoomed && inside(f) ?
			", " + percent(f.w, zoomed.w) + " of " + zoomed.n : "";

		return f.n + "  (" + number(f.w) + " " + unit + part + near + ")";
	}
	function inside(f) {
		return f.x >= zoomed.x && f.x + f.w <= zoomed.x + zoomed.w && f.d >= zoomed.d;
	}
	function measure() {
		const probe = byId("probe");

		letter = probe.getComputedTextLength() / probe.textContent.length || 7.2;
	}
	/* without the bars that scroll */
	function width() {
		const view = window.visualViewport ? window.visualViewport.width : window.innerWidth;

		return Math.max(320, Math.floor(view) || Number(svg.getAttribute("width")));
	}
	/* in sight, however high the graph is */
	function put_foot() {
		const seen = window.innerHeight - svg.getBoundingClientRect().top;

		foot.setAttribute("transform", "translate(0," +
			(Math.min(seen, TOP + (deepest + 1) * FRAME + BOTTOM) - BOTTOM) + ")");
	}
	function remember() {
		const words = written(input.value, zoomed === frames[0] ? null : zoomed);

		if (whole && (words || location.hash))
			history.replaceState(null, "", "#" + words);
	}
	function draw() {
		const all = width(), room = all - 2 * SIDE;
		const height = TOP + (deepest + 1) * FRAME + BOTTOM;

		svg.setAttribute("width", all);
		svg.setAttribute("height", height);
		svg.setAttribute("viewBox", "0 0 " + all + " " + height);
		for (const f of frames) {
			const at = place(f.x, f.w, zoomed.x, zoomed.w, room);
			const shown = at && at.w >= 0.1;
			const y = TOP + (icicle ? f.d : deepest - f.d) * FRAME;

			f.g.style.display = shown ? "" : "none";
			if (!shown)
				continue;
			f.rect.setAttribute("x", SIDE + at.x);
			f.rect.setAttribute("y", y);
			f.rect.setAttribute("width", Math.max(0.1, at.w - 0.4));
			f.text.setAttribute("x", SIDE + at.x + 3);
			f.text.setAttribute("y", y + FRAME - 5);
			f.text.textContent = fit(f.n, (at.w - 6) / letter);
			f.g.classList.toggle("above", f.d < zoomed.d);
		}
		byId("title").setAttribute("x", all / 2);
		byId("title").textContent = fit(title, room / letter * 12 / 17);
		byId("tools").setAttribute("transform", "translate(" + (all - SIDE) + ",0)");
		put_foot();
		byId("reset").classList.toggle("off", zoomed === frames[0]);
		byId("icicle").textContent = icicle ? "flame" : "icicle";
	}
	function search() {
		const match = matcher(input.value);

		for (const f of frames)
			f.g.classList.toggle("hit", !!match && match(f.n));
		share.textContent = match ? "matched " + percent(matched(frames, match), total) : "";
		remember();
	}
	function choose(f) {
		if (chosen)
			chosen.g.classList.remove("chosen");
		chosen = f;
		if (f) {
			f.g.classList.add("chosen");
			detail.textContent = describe(f);
		}
	}
	function zoom(f) {
		zoomed = f;
		draw();
		detail.textContent = describe(f);
		remember();
	}
	function flip() {
		icicle = !icicle;
		draw();
	}
	/* The frame that is next in this direction. */
	function step(key) {
		const at = chosen || zoomed;
		const seen = frames.filter(f => f.g.style.display !== "none");
		const over = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w;
		const up = (key === "ArrowUp") !== icicle;
		let next;

		if (key === "ArrowUp" || key === "ArrowDown")
			next = seen.filter(f => f.d === at.d + (up ? 1 : -1) && over(f, at))
				.sort((a, b) => b.w - a.w)[0];
		else if (key === "ArrowLeft")
			next = seen.filter(f => f.d === at.d && f.x < at.x).pop();
		else
			next = seen.filter(f => f.d === at.d && f.x > at.x)[0];
		choose(next || at);
	}
	const keys = {
		Enter: () => zoom(chosen || zoomed),
		Escape: () => { input.value = ""; search(); zoom(frames[0]); },
		Backspace: () => zoom(frames.filter(f => f.d === zoomed.d - 1 && f.x <= zoomed.x &&
			f.x + f.w >= zoomed.x + zoomed.w)[0] || frames[0]),
		"/": () => input.focus(),
		i: flip,
		r: () => zoom(frames[0]),
	};

	function on_key(e) {
		if (e.target === input) {
			if (e.key === "Escape")
				input.value = "";
			if (e.key === "Escape" || e.key === "Enter")
				input.blur();
			search();
			return;
		}
		if ((e.ctrlKey || e.metaKey) && e.key === "f") {
			e.preventDefault();
			input.focus();
			return;
		}
		if (e.ctrlKey || e.metaKey || e.altKey || !(keys[e.key] || e.key.startsWith("Arrow")))
			return;
		e.preventDefault();
		if (keys[e.key])
			keys[e.key]();
		else
			step(e.key);
	}
	const frame_of = e => frames.find(f => f.g === e.target.closest("g.f"));

	svg.addEventListener("click", e => {
		const f = frame_of(e);

		if (f)
			zoom(f);
	});
	svg.addEventListener("mouseover", e => {
		const f = frame_of(e);

		detail.textContent = f ? describe(f) : describe(zoomed);
	});
	document.addEventListener("keydown", on_key);
	window.addEventListener("resize", draw);
	window.addEventListener("scroll", put_foot);
	input.addEventListener("input", search);
	byId("reset").addEventListener("click", () => zoom(frames[0]));
	byId("icicle").addEventListener("click", flip);
	svg.classList.add("live");
	measure();
	/* one that is higher than the window begins with its root in sight */
	icicle = TOP + (deepest + 1) * FRAME + BOTTOM > window.innerHeight;
	svg.appendChild(foot); /* over the frames */
	const was = read(whole ? location.hash.slice(1) : "");

	zoomed = frames.find(f => f.d === was.d && f.x === was.x) || frames[0];
	input.value = was.pattern;
	draw();
	search();
	detail.textContent = describe(zoomed);
}

if (typeof document !== "undefined")
	start(document.documentElement.namespaceURI.endsWith("svg") ? document.documentElement :
		document.currentScript.closest("svg"));
else if (typeof module !== "undefined")
	module.exports = { place, fit, percent, number, matched, matcher, written, read };
