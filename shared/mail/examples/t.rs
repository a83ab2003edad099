fn main() {
    for shape in std::env::args().skip(1) {
        let shape = shape.replace("\\n", "\n");
        for n in [8_000, 16_000, 32_000, 64_000] {
            let t = shape.repeat(n / shape.len());
            let s = std::time::Instant::now();
            let m = mail::read(&t, mail::Context::default());
            println!("{shape:?} {n} {:?} own {}", s.elapsed(), m.own.len());
        }
    }
}
