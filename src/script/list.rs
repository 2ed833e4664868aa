//! The functions on lists and maps that Rhai's own packages do without a bound, done with one.
//!
//! Rhai's `pad` multiplies without looking whether the product fits, and then takes as much memory as there is.
//! Invariants: what callbacks make is counted while it is made, not after; a comparison that fails ends the sorting.
//! Not here: Rhai's other functions on lists, each of which makes no more than it is given.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, Engine, FnPtr, FuncRegistration, ImmutableString, Map, NativeCallContext};

use super::guard::{Outcome, charge};
use super::show::{self, too_long};
use super::text::too_many;
use crate::limits;

/// Tells the engine of them.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("map", |context: NativeCallContext<'_>, items: Array, mapper: FnPtr| -> Outcome<Array> {
        let mut made = Made::default();
        for item in items {
            made.push(mapper.call_within_context(&context, (item,))?)?;
        }
        Ok(made.items)
    });
    engine.register_fn("map", |context: NativeCallContext<'_>, map: Map, mapper: FnPtr| -> Outcome<Map> {
        let mut made = Made::default();
        let mut keys = Vec::with_capacity(map.len());
        for (key, value) in map {
            made.push(mapper.call_within_context(&context, (ImmutableString::from(key.as_str()), value))?)?;
            keys.push(key);
        }
        Ok(keys.into_iter().zip(made.items).collect())
    });
    engine.register_fn(
        "zip",
        |context: NativeCallContext<'_>, a: Array, b: Array, mapper: FnPtr| -> Outcome<Array> {
            let mut made = Made::default();
            for (a, b) in a.into_iter().zip(b) {
                made.push(mapper.call_within_context(&context, (a, b))?)?;
            }
            Ok(made.items)
        },
    );
    for name in ["sort", "sort_by"] {
        FuncRegistration::new(name).with_purity(false).register_into_engine(
            engine,
            |context: NativeCallContext<'_>, items: &mut Array, compare: FnPtr| -> Outcome<()> {
                *items = sorted(&context, items.clone(), &compare)?;
                Ok(())
            },
        );
    }
    for name in ["order", "order_by"] {
        engine.register_fn(name, |context: NativeCallContext<'_>, items: Array, compare: FnPtr| {
            sorted(&context, items, &compare)
        });
    }
    FuncRegistration::new("pad").with_purity(false).register_into_engine(
        engine,
        |items: &mut Array, count: i64, item: Dynamic| -> Outcome<()> {
            let count = usize::try_from(count).unwrap_or(0);
            let added = count.saturating_sub(items.len());
            let (values, bytes) = size(&item, 0);
            let before = items.iter().map(|item| size(item, 0)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            if added.saturating_mul(values).saturating_add(before.0) > limits::SCRIPT_LIST_COUNT_MAX {
                return Err(too_many());
            }
            charge(added.saturating_mul(bytes))?;
            if added.saturating_mul(bytes).saturating_add(before.1) > limits::SCRIPT_TEXT_BYTES_MAX {
                return Err(too_long());
            }
            items.extend(std::iter::repeat_n(item, added));
            Ok(())
        },
    );
    engine.register_fn("contains", |items: &mut Array, value: Dynamic| -> Outcome<bool> {
        for item in items.iter() {
            if show::same(item, &value)? {
                return Ok(true);
            }
        }
        Ok(false)
    });
}

/// A list that is being made, with the bytes of the texts in it.
#[derive(Default)]
struct Made {
    items: Array,
    bytes: usize,
}

impl Made {
    fn push(&mut self, item: Dynamic) -> Outcome<()> {
        let item = item.flatten();
        let (values, bytes) = size(&item, 0);
        let bytes = values + bytes;
        charge(bytes)?;
        self.bytes += bytes;
        if self.bytes > limits::SCRIPT_TEXT_BYTES_MAX + limits::SCRIPT_LIST_COUNT_MAX {
            return Err(too_long());
        }
        if self.items.len() >= limits::SCRIPT_LIST_COUNT_MAX {
            return Err(too_many());
        }
        self.items.push(item);
        Ok(())
    }
}

/// How many values a value is, and the bytes of its texts.
fn size(value: &Dynamic, level: usize) -> (usize, usize) {
    if level > limits::SCRIPT_DATA_LEVELS_MAX {
        return (limits::SCRIPT_LIST_COUNT_MAX, limits::SCRIPT_TEXT_BYTES_MAX);
    }
    let all = |sizes: &mut dyn Iterator<Item = (usize, usize)>| {
        sizes.fold((1, 0), |(values, bytes), (more, of_them)| (values + more, bytes + of_them))
    };
    if let Some(items) = value.read_lock::<Array>() {
        return all(&mut items.iter().map(|item| size(item, level + 1)));
    }
    if let Some(map) = value.read_lock::<Map>() {
        return all(&mut map.iter().map(|(key, item)| {
            let (values, bytes) = size(item, level + 1);
            (values, bytes + key.len())
        }));
    }
    (1, value.read_lock::<ImmutableString>().map_or(0, |text| text.len()))
}

/// Sorts by a function that answers with a number, or with whether the first comes first.
///
/// A merge by hand: the standard sort has no way to stop at an error, and may panic where the order is none.
fn sorted(context: &NativeCallContext<'_>, items: Array, compare: &FnPtr) -> Outcome<Array> {
    if items.len() < 2 {
        return Ok(items);
    }
    let mut runs: Vec<Array> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(context, left, right, compare)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge(context: &NativeCallContext<'_>, left: Array, right: Array, compare: &FnPtr) -> Outcome<Array> {
    let mut merged = Array::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let order = order(&compare.call_within_context(context, (a.clone(), b.clone()))?)?;
        merged.extend(if order == Ordering::Greater { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

fn order(answer: &Dynamic) -> Outcome<Ordering> {
    if let Ok(number) = answer.as_int() {
        return Ok(number.cmp(&0));
    }
    if let Ok(number) = answer.as_float() {
        return Ok(number.partial_cmp(&0.0).unwrap_or(Ordering::Equal));
    }
    match answer.as_bool() {
        Ok(is_first) => Ok(if is_first { Ordering::Less } else { Ordering::Greater }),
        Err(_) => {
            Err(format!("a sorting function answers with a number or true or false, not {}", show::kind(answer))
                .into())
        }
    }
}
