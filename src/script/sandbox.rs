//! The engine that all scripts run in: what there is, and every limit.
//!
//! Invariants: nothing in it reaches a file, a socket, the environment, a clock or another script's values; Rhai's own
//! core package, which can sleep, is left out, as are its strings package, whose `replace` can take half a gigabyte, and
//! its time package; what remains of Rhai's is bounded by the limits set here, or is replaced by `list` or `text`.
//! Not here: what a call may take (`guard`), which scripts can be imported (`load`).

use std::cell::Cell;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, Package,
};
use rhai::{Engine, ModuleResolver, OptimizationLevel, Token};

use super::{answer, guard, list, memory, moment, show, text, view};
use crate::limits;

/// An engine with everything that scripts may use, and nothing else.
pub(super) fn engine(scripts: impl ModuleResolver + 'static) -> Engine {
    let mut engine = Engine::new_raw();
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    moment::register(&mut engine);
    view::register(&mut engine);
    answer::register(&mut engine);
    show::register(&mut engine);
    text::register(&mut engine);
    list::register(&mut engine);
    memory::register(&mut engine);
    engine.set_module_resolver(scripts);
    // The optimizer's time doubles with each `switch` inside a `switch`: 20 of them took 13 seconds.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.disable_symbol("eval");
    // Functions inside one another without a variable between them could be deeper than any stack.
    engine.disable_symbol("curry");
    engine.set_strict_variables(true);
    engine.set_max_call_levels(limits::SCRIPT_CALLS_COUNT_MAX);
    engine.set_max_expr_depths(limits::SCRIPT_LEVELS_MAX, limits::SCRIPT_LEVELS_MAX);
    engine.set_max_variables(limits::SCRIPT_VARIABLES_COUNT_MAX);
    engine.set_max_functions(limits::SCRIPT_FUNCTIONS_COUNT_MAX);
    engine.set_max_modules(limits::SCRIPT_IMPORTS_COUNT_MAX);
    engine.set_max_string_size(limits::SCRIPT_TEXT_BYTES_MAX);
    engine.set_max_array_size(limits::SCRIPT_LIST_COUNT_MAX);
    engine.set_max_map_size(limits::SCRIPT_MAP_COUNT_MAX);
    engine.on_progress(|_| guard::tick());
    // Rhai's word for what may change in a later version; ours is pinned.
    #[allow(deprecated)]
    engine.on_var(|name, _, context| {
        if let Some(value) = context.scope().get(name) {
            show::check_levels(value)?;
        }
        guard::used(context.call_level(), || {
            let mut bytes = 0;
            for (_, _, value) in context.scope().iter_raw() {
                bytes += show::weight(value)?;
            }
            Ok(bytes)
        })?;
        Ok(None)
    });
    // The same.
    #[allow(deprecated)]
    engine.on_parse_token(|token, _, _| named(token));
    engine
}

/// Words that Rhai keeps for later may name fields, such as the `thread` of a destination or a key of some JSON.
fn named(token: Token) -> Token {
    thread_local! {
        static IS_FIELD: Cell<bool> = const { Cell::new(false) };
    }
    let is_field = IS_FIELD.replace(matches!(token, Token::Period | Token::Elvis | Token::MapStart | Token::Comma));
    match token {
        Token::Reserved(word) if is_field && rhai::is_valid_identifier(&word) && !KEPT.contains(&word.as_str()) => {
            Token::Identifier(word)
        }
        token => token,
    }
}

/// Reserved words that mean something.
const KEPT: &[&str] =
    &["this", "eval", "call", "curry", "Fn", "type_of", "is_shared", "is_def_fn", "is_def_var", "print", "debug"];
