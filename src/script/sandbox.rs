//! The engine that all scripts run in: what there is, and every limit.
//!
//! Invariants: nothing in it reaches a file, a socket, the environment, a clock or another script's values; Rhai's own
//! core package, which can sleep, is left out, as are its strings package, whose `replace` can take half a gigabyte, and
//! its time package; what remains of Rhai's is bounded by the limits set here, or is replaced by `list`.
//! Not here: what a call may take (`guard`), which scripts can be imported (`load`).

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LogicPackage, Package,
};
use rhai::{Engine, ModuleResolver};

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
    engine.disable_symbol("eval");
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
    engine
}
