//! The one integration-test binary.

mod source;
mod tidy;
mod wheel;
mod wheel_cases;
mod wheel_speed;
