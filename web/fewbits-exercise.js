/**
 * An exercise of Fewbits in a page of your own:
 *
 *   <script type="module" src="https://…/fewbits-exercise.js"></script>
 *   <fewbits-exercise lesson="levels"></fewbits-exercise>
 *
 * lesson is the lesson's id; exercise and seed name one of its exercises and
 * the numbers in it. It stands in a frame of its own, as high as it needs. A
 * page with a Content-Security-Policy needs where Fewbits is served in
 * script-src and frame-src.
 */
const base = new URL(".", import.meta.url);

class FewbitsExercise extends HTMLElement {
  static observedAttributes = ["lesson", "exercise", "seed"];
  #frame = null;
  #height = ({ data, source }) => {
    if (source === this.#frame?.contentWindow && data?.fewbits === "height" && data.height > 0) this.#frame.style.height = `${Math.min(4000, data.height)}px`;
  };

  connectedCallback() {
    this.#frame = Object.assign(document.createElement("iframe"), { title: "Exercise on quantization" });
    Object.assign(this.#frame.style, { border: "0", width: "100%", height: "26rem" });
    this.#frame.allow = "clipboard-write";
    this.#go();
    this.replaceChildren(this.#frame);
    addEventListener("message", this.#height);
  }

  disconnectedCallback() { removeEventListener("message", this.#height); }

  attributeChangedCallback() { if (this.isConnected && this.#frame) this.#go(); }

  /** Opens what the attributes name. */
  #go() {
    const at = (name) => encodeURIComponent(this.getAttribute(name) ?? ""), exercise = at("exercise");
    this.#frame.src = new URL(`embed#/learn/${at("lesson") || "levels"}${exercise && `?exercise=${exercise}&seed=${at("seed") || 0}`}`, base);
  }
}

customElements.define("fewbits-exercise", FewbitsExercise);
