use super::*;
use crate::rng::Keyed;
use proptest::prelude::*;
use serde_json::json;

fn made(schema: &Value, key: u64) -> Value {
    of(schema, Draws::new(Keyed::new(1, "arguments"), key))
}

#[track_caller]
fn check(schema: &Value) {
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(schema).unwrap();
    for key in 0..40 {
        let instance = made(schema, key);
        if let Some(error) = validator.iter_errors(&instance).next() {
            panic!("{instance}: {error} at {}", error.instance_path());
        }
    }
}

#[test]
fn types_and_bounds() {
    check(
        &json!({"type": "object", "required": ["a", "b", "c", "d", "e", "f", "g"], "properties": {
        "a": {"type": "integer", "minimum": 3, "maximum": 5},
        "b": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
        "c": {"type": "string", "minLength": 30, "maxLength": 33},
        "d": {"type": "boolean"},
        "e": {"type": "null"},
        "f": {"type": "integer", "multipleOf": 7, "minimum": 100},
        "g": {"type": ["integer", "null"], "maximum": -3},
        "h": {"enum": ["x", 3, null]},
        "i": {"const": {"k": [1]}},
        "j": {"type": "string", "maxLength": 2}
    }, "additionalProperties": false}),
    );
}

#[test]
fn formats_and_patterns() {
    let formats = [
        "date",
        "time",
        "date-time",
        "duration",
        "email",
        "uri",
        "uuid",
        "ipv4",
        "ipv6",
        "hostname",
    ];
    let properties: Map<String, Value> = formats
        .iter()
        .map(|f| ((*f).to_owned(), json!({"type": "string", "format": f})))
        .collect();
    check(&json!({"type": "object", "properties": properties, "required": formats}));
    check(&json!({"type": "object", "required": ["p"], "properties": {
        "p": {"type": "string", "pattern": "^[A-Z]{3}-\\d{2,4}$"}}}));
}

#[test]
fn lists_and_objects() {
    check(
        &json!({"type": "object", "required": ["a", "b", "c", "free"], "properties": {
        "a": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": true},
        "b": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": false},
        "c": {"type": "array", "maxItems": 0},
        "d": {"type": "array", "contains": {"const": "here"}, "maxItems": 2}
    }, "minProperties": 6}),
    );
    check(&json!({"type": "object", "properties": {"a": {}, "b": {}}, "maxProperties": 1}));
    check(
        &json!({"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}}),
    );
}

#[test]
fn alternatives_and_references() {
    check(&json!({
        "$defs": {
            "node": {"type": "object", "required": ["value", "next"], "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}},
            "named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
        },
        "allOf": [{"$ref": "#/$defs/named"}, {"required": ["list"], "properties": {"list": {"$ref": "#/$defs/node"}}}],
        "properties": {"pick": {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "name": {"minLength": 9}}
    }));
}

#[test]
fn broken_schemas_give_an_object() {
    for schema in [
        json!(true),
        json!(null),
        json!({"type": "string"}),
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/none"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}),
        json!({"type": "object", "properties": {"a": {"enum": []}, "b": {"anyOf": []}, "c": {"type": []}}}),
        json!({"type": "object", "minProperties": 1_000_000_000_000u64}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "minItems": 4_000_000_000u64, "uniqueItems": true}}}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"minLength": 4_000_000_000u64}}}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1e300, "multipleOf": 1e-300}}}),
    ] {
        assert!(made(&schema, 1).is_object(), "{schema}");
    }
}

/// Schemas as tools have them.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0u32..5, 5u32..20)
            .prop_map(|(a, b)| json!({"type": "string", "minLength": a, "maxLength": b})),
        (-50i64..50, 0i64..40)
            .prop_map(|(a, d)| json!({"type": "integer", "minimum": a, "maximum": a + d})),
        (-5.0f64..5.0, 0.0f64..3.0)
            .prop_map(|(a, d)| json!({"type": "number", "minimum": a, "maximum": a + d})),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": ["string", "null"], "format": "date"})),
        Just(json!({"enum": ["celsius", "fahrenheit"]})),
        Just(json!({})),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (
                prop::collection::btree_map("[a-d]", inner.clone(), 1..4),
                any::<bool>()
            )
                .prop_map(|(properties, closed)| {
                    let required: Vec<_> = properties.keys().take(2).cloned().collect();
                    json!({"type": "object", "properties": properties, "required": required,
                           "additionalProperties": !closed})
                }),
            (inner.clone(), 0usize..4)
                .prop_map(|(items, n)| json!({"type": "array", "items": items, "minItems": n})),
            prop::collection::vec(inner, 1..3).prop_map(|any| json!({"anyOf": any})),
        ]
    });
    prop::collection::btree_map("[a-f]", tree, 0..5).prop_map(|properties| {
        let required: Vec<_> = properties.keys().step_by(2).cloned().collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    })
}

proptest! {
    #[test]
    fn instances_are_valid(schema in schemas(), key: u64) {
        let instance = made(&schema, key);
        let validator = jsonschema::validator_for(&schema).unwrap();
        prop_assert!(validator.is_valid(&instance), "{} for {}", instance, schema);
        prop_assert_eq!(instance, made(&schema, key));
    }
}
