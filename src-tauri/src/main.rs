#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    shicha_shell::run();
}
