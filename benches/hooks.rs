//! Hooks, ours beside three script engines: `cargo bench --bench hooks --features peers`.
//!
//! The questions and the report are the program's own (`chimewheel::surface::bench::hooks`); here are those who can take
//! part only where their crates are, and the hooks in their words. Options: `--hook-passes N`, `--json`, after `--`.
//!
//! What is fair: everybody begins with the same facts and ends with the same text or nothing. Everybody compiles once and
//! is guarded as a host of scripts that it did not write has to be: Lua counts instructions, QuickJS asks whether it
//! has to stop, both look at a deadline set anew for each call and have a limit of memory; minijinja has fuel and
//! knows no deadline. Scripts have none of the functions that reach files, the clock or other scripts.
//! Everybody gets the context in the way that was fastest of those tried: values that are worked out when a script
//! asks for them, rather than tables or objects filled for each call. A context holds what these hooks read; ours holds
//! everything that its guide speaks of. The JSON of a result becomes the engine's own value when it is asked for.
//! What is not: Lua and QuickJS keep all scripts of a thread in one state, where a script that is up to no good can
//! change what another one finds (`string` of Lua, `Object.prototype`); a state for each script would take that away and
//! is not measured. Ours is shared by all threads and keeps scripts apart.

use std::cell::{Cell, RefCell};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use chimewheel::surface::bench::Report;
use chimewheel::surface::bench::hooks::{Call, Case, Given, HookContest, HookEntrant, PATIENCE_MS, own_entrants};
use clap::Parser;
use mlua::{
    AnyUserData, HookTriggers, Lua, LuaOptions, LuaSerdeExt as _, LuaString, MetaMethod, StdLib, UserData,
    UserDataFields, UserDataMethods, VmState,
};
use rquickjs::context::intrinsic;
use rquickjs::object::Accessor;
use rquickjs::{Ctx, Function, Object, Persistent};

/// Instructions between two looks of Lua at the deadline.
const LOOK_INSTRUCTIONS: u32 = 1000;
/// Memory that scripts may have.
const MEMORY_BYTES: usize = 16 << 20;
/// Stack that a script may have in QuickJS.
const STACK_BYTES: usize = 256 << 10;
/// What a template may use up in minijinja.
const FUEL: u64 = 100_000;

/// The command line.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    contest: HookContest,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut entrants = own_entrants();
    let others = [
        HookEntrant { name: "mlua", prepare: |case| Some(lua(case).map_err(|error| error.to_string())) },
        HookEntrant { name: "rquickjs", prepare: |case| Some(quickjs(case).map_err(|error| error.to_string())) },
        HookEntrant { name: "minijinja", prepare: jinja },
    ];
    entrants.splice(1..1, others);
    Report::conclude(options.contest.run(&entrants, &[]), options.json)
}

/// The run that a script asks about, and when its call began.
#[derive(Default)]
struct Seat {
    run: RefCell<Option<Given>>,
    began: Cell<Option<Instant>>,
}

impl Seat {
    fn take(&self, given: &Given) {
        self.began.set(Some(Instant::now()));
        *self.run.borrow_mut() = Some(given.clone());
    }

    fn is_over(&self) -> bool {
        self.began.get().is_some_and(|began| began.elapsed().as_millis() > PATIENCE_MS)
    }

    fn ask<A>(&self, what: impl FnOnce(&Given) -> A) -> Option<A> {
        self.run.borrow().as_ref().map(what)
    }
}

fn in_lua(case: Case) -> &'static str {
    match case {
        Case::Gate => "return function(ctx) return true end",
        Case::Message | Case::Template => {
            "return function(ctx)
                local fire = ctx.fire
                return 'Good morning ' .. ctx.vars.who .. ', it is ' .. fire.weekday .. '. Report ' .. fire.number .. ' is ready.'
            end"
        }
        Case::Silent => {
            "return function(ctx, result)
                local json = result.json
                if json.urgent or json.count > 40 then return false end
                return 'nothing urgent in ' .. json.count .. ' messages'
            end"
        }
        Case::Model => {
            "return function(ctx)
                local fire = ctx.fire
                local weekday, hour = fire.weekday, fire.hour
                if weekday == 'Saturday' or weekday == 'Sunday' then return 'local/small' end
                if weekday == 'Monday' and hour < 12 then return 'cloud/large' end
                if hour >= 8 and hour < 18 then return 'cloud/medium' end
            end"
        }
    }
}

/// `ctx.fire` of Lua.
struct LuaFire(Rc<Seat>);

impl UserData for LuaFire {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("weekday", |_, fire| Ok(fire.0.ask(Given::weekday)));
        fields.add_field_method_get("hour", |_, fire| Ok(fire.0.ask(|given| given.local().hour)));
        fields.add_field_method_get("number", |_, fire| Ok(fire.0.ask(Given::number)));
    }
}

/// `ctx.vars` of Lua.
struct LuaVars(Rc<Seat>);

impl UserData for LuaVars {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::Index, |lua, vars, name: LuaString| {
            let name = name.to_str()?;
            vars.0
                .ask(|given| given.var(&name).map(|text| lua.create_string(text)).transpose())
                .transpose()
                .map(Option::flatten)
        });
    }
}

/// `result` of Lua.
struct LuaResult(Rc<Seat>);

impl UserData for LuaResult {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_field_method_get("text", |_, result| Ok(result.0.ask(|given| given.result)));
        fields.add_field_method_get("json", |lua, result| {
            let json = result.0.ask(|given| serde_json::from_str::<serde_json::Value>(given.result));
            json.and_then(Result::ok).map(|json| lua.to_value(&json)).transpose()
        });
    }
}

/// `ctx` of Lua, made once. An empty table stands before it: what a script wrote to it would be there in the next call.
fn lua_context(lua: &Lua, seat: &Rc<Seat>) -> mlua::Result<mlua::Table> {
    let fields = lua.create_table()?;
    fields.raw_set("fire", lua.create_userdata(LuaFire(Rc::clone(seat)))?)?;
    fields.raw_set("vars", lua.create_userdata(LuaVars(Rc::clone(seat)))?)?;
    let refuse = |_: &Lua, ()| -> mlua::Result<()> { Err(mlua::Error::runtime("ctx cannot be changed")) };
    let rules = lua.create_table()?;
    rules.raw_set("__index", fields)?;
    rules.raw_set("__newindex", lua.create_function(refuse)?)?;
    rules.raw_set("__metatable", false)?;
    let ctx = lua.create_table()?;
    ctx.set_metatable(Some(rules))?;
    Ok(ctx)
}

/// A hook in Lua, and what it is called with.
struct LuaHook {
    hook: mlua::Function,
    ctx: mlua::Table,
    result: AnyUserData,
    /// The others are of it, and do not keep it.
    _state: Lua,
}

impl LuaHook {
    fn new(state: Lua, case: Case, seat: &Rc<Seat>) -> mlua::Result<Self> {
        let environment = state.create_table()?;
        for name in ["string", "table", "math", "utf8", "pairs", "ipairs", "type", "tostring", "tonumber", "select"] {
            environment.set(name, state.globals().get::<mlua::Value>(name)?)?;
        }
        let hook = state.load(in_lua(case)).set_environment(environment).eval()?;
        let ctx = lua_context(&state, seat)?;
        let result = state.create_userdata(LuaResult(Rc::clone(seat)))?;
        Ok(Self { hook, ctx, result, _state: state })
    }

    fn call(&self, case: Case) -> mlua::Result<Option<String>> {
        let Self { hook, ctx, result, .. } = self;
        let answer: mlua::Value = if case == Case::Silent { hook.call((ctx, result))? } else { hook.call(ctx)? };
        answer.as_string().map(|text| Ok(text.to_str()?.to_owned())).transpose()
    }
}

fn lua(case: Case) -> mlua::Result<Call> {
    let seat = Rc::new(Seat::default());
    let state = Lua::new_with(StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::UTF8, LuaOptions::default())?;
    state.set_memory_limit(MEMORY_BYTES)?;
    let watched = Rc::clone(&seat);
    state.set_global_hook(HookTriggers::new().every_nth_instruction(LOOK_INSTRUCTIONS), move |_, _| {
        if watched.is_over() { Err(mlua::Error::runtime("its time is over")) } else { Ok(VmState::Continue) }
    })?;
    let hook = LuaHook::new(state, case, &seat)?;
    Ok(Box::new(move |given| {
        seat.take(given);
        hook.call(case).map_err(|error| error.to_string())
    }))
}

fn in_javascript(case: Case) -> &'static str {
    match case {
        Case::Gate => "(ctx) => true",
        Case::Message | Case::Template => {
            "(ctx) => `Good morning ${ctx.vars.who}, it is ${ctx.fire.weekday}. Report ${ctx.fire.number} is ready.`"
        }
        Case::Silent => {
            "(ctx, result) => {
                const json = result.json;
                return json.urgent || json.count > 40 ? false : `nothing urgent in ${json.count} messages`;
            }"
        }
        Case::Model => {
            "(ctx) => {
                const { weekday, hour } = ctx.fire;
                switch (weekday) {
                    case 'Saturday': case 'Sunday': return 'local/small';
                    case 'Monday': if (hour < 12) return 'cloud/large';
                }
                return hour >= 8 && hour < 18 ? 'cloud/medium' : null;
            }"
        }
    }
}

/// `ctx.fire` of QuickJS.
fn fire_of<'js>(js: &Ctx<'js>, seat: &Rc<Seat>) -> rquickjs::Result<Object<'js>> {
    let fire = Object::new(js.clone())?;
    let asked = Rc::clone(seat);
    fire.prop("weekday", Accessor::from(move || asked.ask(Given::weekday)))?;
    let asked = Rc::clone(seat);
    fire.prop("hour", Accessor::from(move || asked.ask(|given| given.local().hour)))?;
    let asked = Rc::clone(seat);
    fire.prop("number", Accessor::from(move || asked.ask(Given::number)))?;
    Ok(fire)
}

/// `ctx.vars` of QuickJS: the variables of the run, when they are asked for.
fn vars_of<'js>(seat: Rc<Seat>) -> impl Fn(Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    move |ctx| {
        let vars = Object::new(ctx)?;
        seat.ask(|given| given.vars().try_for_each(|(name, value)| vars.set(name, value))).transpose()?;
        Ok(vars)
    }
}

/// `result.json` of QuickJS.
fn json_of<'js>(seat: Rc<Seat>) -> impl Fn(Ctx<'js>) -> rquickjs::Result<rquickjs::Value<'js>> {
    move |ctx| ctx.json_parse(seat.ask(|given| given.result).unwrap_or_default())
}

/// A hook in QuickJS, and what it is called with. Nothing of a state may outlive it, so the state comes last.
struct JsHook {
    hook: Persistent<Function<'static>>,
    ctx: Persistent<Object<'static>>,
    result: Persistent<Object<'static>>,
    state: rquickjs::Context,
}

impl JsHook {
    fn new(state: &rquickjs::Context, case: Case, seat: &Rc<Seat>) -> rquickjs::Result<Self> {
        state.with(|js| {
            let result = Object::new(js.clone())?;
            let asked = Rc::clone(seat);
            result.prop("text", Accessor::from(move || asked.ask(|given| given.result)))?;
            result.prop("json", Accessor::from(json_of(Rc::clone(seat))))?;
            let (ctx, fire) = (Object::new(js.clone())?, fire_of(&js, seat)?);
            ctx.prop("fire", fire.clone())?;
            ctx.prop("vars", Accessor::from(vars_of(Rc::clone(seat))))?;
            // A script that writes to them would be heard by the next call.
            let freeze: Function<'_> = js.eval("Object.freeze")?;
            for object in [&fire, &ctx, &result] {
                freeze.call::<_, ()>((object.clone(),))?;
            }
            let hook: Function<'_> = js.eval(in_javascript(case))?;
            js.globals().remove("eval")?;
            Ok(Self {
                hook: Persistent::save(&js, hook),
                ctx: Persistent::save(&js, ctx),
                result: Persistent::save(&js, result),
                state: state.clone(),
            })
        })
    }

    fn call(&self, case: Case) -> rquickjs::Result<Option<String>> {
        self.state.with(|js| {
            let (hook, ctx) = (self.hook.clone().restore(&js)?, self.ctx.clone().restore(&js)?);
            let answer: rquickjs::Value<'_> = if case == Case::Silent {
                hook.call((ctx, self.result.clone().restore(&js)?))?
            } else {
                hook.call((ctx,))?
            };
            answer.as_string().map(rquickjs::String::to_string).transpose()
        })
    }
}

fn quickjs(case: Case) -> rquickjs::Result<Call> {
    let seat = Rc::new(Seat::default());
    let runtime = rquickjs::Runtime::new()?;
    runtime.set_memory_limit(MEMORY_BYTES);
    runtime.set_max_stack_size(STACK_BYTES);
    let watched = Rc::clone(&seat);
    runtime.set_interrupt_handler(Some(Box::new(move || watched.is_over())));
    let state = rquickjs::Context::custom::<(intrinsic::Eval, intrinsic::Json)>(&runtime)?;
    let hook = JsHook::new(&state, case, &seat)?;
    Ok(Box::new(move |given| {
        seat.take(given);
        hook.call(case).map_err(|error| error.to_string())
    }))
}

/// The context of minijinja, and the parts of it.
#[derive(Debug)]
struct JinjaRun(Arc<Given>);

#[derive(Debug)]
struct JinjaFire(Arc<Given>);

#[derive(Debug)]
struct JinjaVars(Arc<Given>);

impl minijinja::value::Object for JinjaRun {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        match key {
            "fire" => Some(minijinja::Value::from_object(JinjaFire(Arc::clone(&self.0)))),
            "vars" => Some(minijinja::Value::from_object(JinjaVars(Arc::clone(&self.0)))),
            _ => None,
        }
    }
}

impl minijinja::value::Object for JinjaFire {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        match key {
            "weekday" => Some(self.0.weekday().into()),
            "hour" => Some(self.0.local().hour.into()),
            "number" => Some(self.0.number().into()),
            _ => None,
        }
    }
}

impl minijinja::value::Object for JinjaVars {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        self.0.var(key).map(Into::into)
    }
}

/// minijinja, which knows templates only.
fn jinja(case: Case) -> Option<Result<Call, String>> {
    const SOURCE: &str = "Good morning {{ vars.who }}, it is {{ fire.weekday }}. Report {{ fire.number }} is ready.";
    if case != Case::Template {
        return None;
    }
    let mut environment = minijinja::Environment::new();
    environment.set_fuel(Some(FUEL));
    if let Err(error) = environment.add_template("message", SOURCE) {
        return Some(Err(error.to_string()));
    }
    Some(Ok(Box::new(move |given| {
        let run = minijinja::Value::from_object(JinjaRun(Arc::new(given.clone())));
        let text = environment.get_template("message").and_then(|template| template.render(run));
        text.map(Some).map_err(|error| error.to_string())
    })))
}
