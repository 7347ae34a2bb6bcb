//! Writes the TypeScript types to the folder named by the only argument.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: bindings DIR")?;
    std::fs::create_dir_all(&dir)?;
    shicha_api::bindings::write(dir.as_ref())?;
    Ok(())
}
