//! Turns what a YAML or JSON deserializer yields into a tree, doubles and all, within a budget.
//!
//! The budget is what makes aliases harmless: each value costs one, each 64 bytes of text one more, whether it was
//! written or repeated by an alias.
//! Not here: places (`marks`), which deserializers do not tell.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::limits;
use crate::spec::tree::{Entry, Node, Value};

/// Builds one tree; several may share a budget.
#[derive(Clone, Copy)]
pub(super) struct Build<'b> {
    pub left: &'b Cell<usize>,
}

impl Build<'_> {
    fn spend<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(1 + bytes / 64);
        self.left.set(left.unwrap_or(0));
        left.map(drop).ok_or_else(|| E::custom(format!("holds more than {} values", limits::FILE_VALUES_MAX)))
    }

    fn leaf<E: Error>(self, value: Value) -> Result<Node, E> {
        let bytes = if let Value::Text(text) = &value { text.len() } else { 0 };
        self.spend(bytes)?;
        Ok(Node::new(value))
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.leaf(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.leaf(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Node, E> {
        self.leaf(Value::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        self.leaf(Value::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        self.leaf(Value::Number(number.into()))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.leaf(Value::Text(number.to_string()))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.leaf(Value::Text(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        self.leaf(Number::from_f64(number).map_or_else(|| Value::Text(number.to_string()), Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.leaf(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        self.spend(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::new(Value::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        self.spend(0)?;
        let mut map = Vec::new();
        while let Some(key) = entries.next_key_seed(self)? {
            let key = match key.value {
                Value::Text(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Null => "null".to_owned(),
                Value::List(_) | Value::Map(_) => return Err(A::Error::custom("a key must be text")),
            };
            map.push(Entry { key, key_place: None, value: entries.next_value_seed(self)? });
        }
        Ok(Node::new(Value::Map(map)))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(A::Error::custom("tags such as '!name' are not supported"))
    }
}
