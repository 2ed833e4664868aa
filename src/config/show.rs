//! The effective config as TOML and as JSON, for `chimewheel config show`.
//!
//! Secrets are only ever named in a config, and even their names are not repeated here.
//! Not here: reading (`mod`).

use serde_json::{Map, Value, json};

use super::conceal::MASK;
use super::{
    Agent, Config, Format, Gateway, Heartbeat, Interval, Log, MODEL_DEFAULT, MaxTokensKey, OpenAi, Provider, Rate,
    Route, Routing, System, Webhook,
};
use crate::money::Cost;

impl Config {
    /// The effective config as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let gateways: Map<String, Value> = self
            .gateways
            .iter()
            .map(|(name, gateway)| {
                let mut shown = gateway.to_json();
                if let Some(pace) = self.paces.get(name).and_then(|pace| pace.to_json()) {
                    shown["pace"] = pace;
                }
                (name.clone(), shown)
            })
            .collect();
        let providers: Map<String, Value> = self
            .providers
            .iter()
            .map(|(name, provider)| {
                let shown = match provider {
                    Provider::Echo { delay, max_in_flight } => {
                        json!({"kind": "echo", "delay": delay.to_string(), "max_in_flight": max_in_flight})
                    }
                    Provider::Command { program, args, timeout, max_in_flight } => json!({
                        "kind": "command",
                        "program": program.display().to_string(),
                        "args": args.iter().map(|_| MASK).collect::<Vec<_>>(),
                        "timeout": timeout.to_string(),
                        "max_in_flight": max_in_flight,
                    }),
                    Provider::OpenAi(config) => config.to_json(),
                };
                (name.clone(), shown)
            })
            .collect();
        let agents: Map<String, Value> =
            self.agents.iter().map(|(name, agent)| (name.to_owned(), agent.to_json())).collect();
        let routes: Vec<Value> = self.routes.iter().map(Route::to_json).collect();
        let mut shown = json!({
            "data": self.data.display().to_string(),
            "schedules": self.schedules.display().to_string(),
            "scripts": self.scripts.display().to_string(),
            "listen": self.listen.to_string(),
            "timezone": self.timezone,
            "gateways": gateways,
            "providers": providers,
            "routing": self.routing.to_json(),
            "agents": agents,
            "routes": routes,
            "sessions": {"idle": self.session_idle.to_string()},
            "tools": {"sets": self.tool_sets},
            "limits": {
                "history_days": self.limits.history_days,
                "cache_mb": self.limits.cache_mb,
                "pause_after_failures": self.limits.pause_after_failures,
                "catchup_per_second": self.limits.catchup_per_second,
            },
            "log": self.log.to_json(),
        });
        if !self.heartbeat.is_unset() {
            shown["heartbeat"] = self.heartbeat.to_json();
        }
        if let Some(cost) = self.cost_per_day {
            shown["budget"] = json!({"cost_per_day": amount(cost)});
        }
        shown
    }

    /// The effective config as TOML.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let shown: Option<toml::Value> = serde_json::from_value(self.to_json()).ok();
        shown.and_then(|value| toml::to_string(&value).ok()).unwrap_or_default()
    }
}

impl Log {
    fn to_json(&self) -> Value {
        let Self { level, format } = self;
        let mut shown = json!({"format": format.word()});
        if let Some(level) = level {
            shown["level"] = json!(level);
        }
        shown
    }
}

impl Heartbeat {
    fn to_json(&self) -> Value {
        let Self { file, agent, interval, model, inject_into, active_hours } = self;
        let file = file.as_ref().map(|file| file.display().to_string());
        let interval = interval.map(Interval::word);
        let mut shown = Map::new();
        for (key, value) in [
            ("file", &file),
            ("agent", agent),
            ("interval", &interval),
            ("model", model),
            ("inject_into", inject_into),
        ] {
            if let Some(value) = value {
                shown.insert(key.to_owned(), json!(value));
            }
        }
        if let Some(hours) = active_hours {
            let mut table = json!({"start": hours.start(), "end": hours.end()});
            if let Some(zone) = &hours.timezone {
                table["timezone"] = json!(zone);
            }
            shown.insert("active_hours".to_owned(), table);
        }
        Value::Object(shown)
    }
}

impl Gateway {
    fn to_json(&self) -> Value {
        match self {
            Self::Console { format } => json!({"kind": "console", "format": format.word()}),
            Self::Discord(discord) => discord.to_json(),
            Self::Email(email) => email.to_json(),
            Self::Matrix(matrix) => matrix.to_json(),
            Self::Process(process) => process.to_json(),
            Self::Slack(slack) => slack.to_json(),
            Self::Telegram(telegram) => telegram.to_json(),
            Self::Webhook(webhook) => webhook.to_json(),
        }
    }
}

impl OpenAi {
    fn to_json(&self) -> Value {
        let Self { base_url, api_key, timeout, max_in_flight, rates, max_tokens_key } = self;
        let mut shown = json!({
            "kind": "openai",
            "base_url": base_url,
            "api_key": api_key.is_some(),
            "timeout": timeout.to_string(),
            "max_in_flight": max_in_flight,
        });
        if *max_tokens_key != MaxTokensKey::default() {
            shown["max_tokens_key"] = json!(max_tokens_key.word());
        }
        show_rate(&mut shown, &rates.usual);
        for (model, rate) in &rates.models {
            show_rate(&mut shown["models"][model], rate);
        }
        shown
    }
}

fn show_rate(shown: &mut Value, rate: &Rate) {
    let Rate { price_in, price_out, max_tokens } = rate;
    for (key, price) in [("price_in", price_in), ("price_out", price_out)] {
        if let Some(price) = price {
            shown[key] = amount(*price);
        }
    }
    if let Some(most) = max_tokens {
        shown["max_tokens"] = json!(most);
    }
}

/// Sixteen digits at the most, which a number of JSON holds.
fn amount(cost: Cost) -> Value {
    json!(cost.as_micros() as f64 / 1e6)
}

impl Routing {
    /// With the model that tasks are given where nothing else is said.
    fn to_json(&self) -> Value {
        let Self { subagent, timeout, default, fallback, aliases, agents: _, providers: _ } = self;
        let default = default.as_deref().unwrap_or(MODEL_DEFAULT);
        let mut shown = json!({"default": default, "fallback": fallback, "aliases": aliases});
        let mut tasks = Map::new();
        if let Some(subagent) = subagent {
            tasks.insert("subagent".to_owned(), json!(subagent));
        }
        if let Some(timeout) = timeout {
            tasks.insert("timeout".to_owned(), json!(timeout.to_string()));
        }
        if !tasks.is_empty() {
            shown["tasks"] = Value::Object(tasks);
        }
        shown
    }
}

impl Route {
    fn to_json(&self) -> Value {
        let Self { gateway, chat_type, chat_id, sender_id, unaddressed, agent } = self;
        let mut test = Map::new();
        let chat_type = chat_type.map(|kind| kind.word().to_owned());
        let given = [("gateway", gateway), ("chat_type", &chat_type), ("chat_id", chat_id), ("sender_id", sender_id)];
        for (key, value) in given {
            if let Some(value) = value {
                test.insert(key.to_owned(), json!(value));
            }
        }
        json!({"match": test, "unaddressed": unaddressed, "agent": agent})
    }
}

impl Webhook {
    fn to_json(&self) -> Value {
        // Whoever knows the path of many an address may post to it, so it is a secret, too.
        let after_host = self.url.match_indices('/').nth(2).map(|(slash, _)| slash + 1);
        let url = match after_host {
            Some(end) if end < self.url.len() => format!("{}***", &self.url[..end]),
            Some(_) | None => self.url.clone(),
        };
        json!({
            "kind": "webhook",
            "url": url,
            "signed": !self.secrets.is_empty(),
            "token": self.token.is_some(),
            "allow_private": self.allow_private,
            "timeout": self.timeout.to_string(),
        })
    }
}

impl Agent {
    fn to_json(&self) -> Value {
        let Self {
            timezone,
            token,
            destinations,
            quota,
            expires,
            model,
            webhook,
            system,
            runs_may_schedule,
            chats_share,
            tools,
        } = self;
        let mut shown = json!({
            "destinations": destinations.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "quota": {
                "active": quota.active,
                "min_interval": quota.min_interval.to_string(),
                "fires_per_day": quota.fires_per_day,
                "payload_bytes": quota.payload_bytes,
            },
        });
        if let Some(cost) = quota.cost_per_day {
            shown["quota"]["cost_per_day"] = amount(cost);
        }
        let masked = token.as_ref().map(|_| MASK.to_owned());
        for (key, value) in [
            ("timezone", timezone.clone()),
            ("token", masked),
            ("expires", expires.map(|span| span.to_string())),
            ("model", model.clone()),
        ] {
            if let Some(value) = value {
                shown[key] = json!(value);
            }
        }
        match system {
            Some(System::Text(words)) => shown["system_prompt"] = json!(words),
            Some(System::File(file)) => shown["system_prompt_file"] = json!(file.display().to_string()),
            None => {}
        }
        if *runs_may_schedule {
            shown["runs_may_schedule"] = json!(true);
        }
        if *chats_share {
            shown["chats_share"] = json!(true);
        }
        if let Some(webhook) = webhook {
            shown["webhook"] = webhook.to_json();
        }
        if let Some(tools) = tools {
            shown["tools"] = json!(tools);
        }
        shown
    }
}

impl Format {
    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}
