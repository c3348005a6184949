//! The page's data in half the bytes: still JSON, with the names of each kind of object said once.

use serde_json::{Map, Value, json};

/// `{"shapes": …, "value": …}`: an object is `[shape, value, …]`, its names being those of `shapes[shape - 1]`; a list is
/// `[0, item, …]`. Everything else stands for itself. `withNames` of basics.js is the way back.
pub(super) fn packed(value: Value) -> Value {
    let mut shapes = Vec::new();
    let value = pack(value, &mut shapes);
    json!({ "shapes": shapes, "value": value })
}

/// The value that was [`packed`].
///
/// # Errors
/// `None` when it was not.
#[must_use]
pub fn unpacked(packed: &Value) -> Option<Value> {
    let shapes: Vec<Vec<String>> = serde_json::from_value(packed.get("shapes")?.clone()).ok()?;
    unpack(packed.get("value")?, &shapes)
}

fn pack(value: Value, shapes: &mut Vec<Vec<String>>) -> Value {
    match value {
        Value::Array(items) => {
            std::iter::once(json!(0)).chain(items.into_iter().map(|item| pack(item, shapes))).collect()
        }
        Value::Object(fields) => {
            let (names, values): (Vec<String>, Vec<Value>) = fields.into_iter().unzip();
            let shape = shapes.iter().position(|known| *known == names).unwrap_or_else(|| {
                shapes.push(names);
                shapes.len() - 1
            });
            std::iter::once(json!(shape + 1)).chain(values.into_iter().map(|value| pack(value, shapes))).collect()
        }
        plain => plain,
    }
}

fn unpack(value: &Value, shapes: &[Vec<String>]) -> Option<Value> {
    let Value::Array(items) = value else { return Some(value.clone()) };
    let (shape, items) = items.split_first()?;
    let values = items.iter().map(|item| unpack(item, shapes));
    match shape.as_u64()? {
        0 => values.collect::<Option<Vec<Value>>>().map(Value::Array),
        shape => {
            let names = shapes.get(shape as usize - 1)?;
            let fields: Option<Map<String, Value>> =
                names.iter().zip(values).map(|(name, value)| Some((name.clone(), value?))).collect();
            fields.map(Value::Object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let value = json!({
            "a": [1, 2.5, null, true, "x", [], {}],
            "b": [{ "x": 1, "y": [0, 1] }, { "x": { "x": 0, "y": 0 }, "y": [] }, { "y": 3 }],
        });
        let packed = packed(value.clone());
        assert_eq!(unpacked(&packed), Some(value));
        let text = packed.to_string();
        assert_eq!((text.matches(r#"["x","y"]"#).count(), text.matches('"').count()), (1, 2 * 8));
        assert_eq!(unpacked(&json!({ "value": [7] })), None);
    }
}
