//! What a person does to one element: sees it, clicks it, chooses in it.

use serde_json::json;

use crate::tab::Tab;

impl Tab {
    /// Clicks the middle of the first element that the CSS selector names, as a mouse does: whatever lies above it is hit.
    pub(crate) fn click(&mut self, selector: &str) {
        self.wait_until(&format!("document.querySelector({selector:?})"));
        let middle = self.evaluate(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{ block: 'center', inline: 'center' }});
               const box = it.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let params = json!({ "type": kind, "x": middle[0], "y": middle[1], "button": button, "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", params);
        }
    }

    /// Chooses a value of a `<select>`.
    pub(crate) fn choose(&mut self, selector: &str, value: &str) {
        self.evaluate(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.value = {value:?};
               it.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
        ));
    }

    /// The text of the first element that the selector names.
    pub(crate) fn text_of(&mut self, selector: &str) -> String {
        self.text(&format!("document.querySelector({selector:?}).innerText"))
    }
}
