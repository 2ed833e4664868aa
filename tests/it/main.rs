//! The one integration-test binary.

mod wheel;
mod wheel_cases;
mod wheel_speed;
