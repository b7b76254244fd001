# For a tap: Homebrew on Linux. On macOS the libraries do not build.
class Tinyalloc < Formula
  desc "Drop-in memory allocator that aborts on double and invalid frees"
  homepage "https://github.com/tinyalloc/tinyalloc"
  url "https://github.com/tinyalloc/tinyalloc/archive/refs/tags/v0.1.0.tar.gz"
  # That of the release's archive: docs/RELEASING.md.
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build
  depends_on :linux

  def install
    system "make", "install", "install-command", "PREFIX=#{prefix}", "MANDIR=#{man}", "GDBDIR=#{share}/gdb/auto-load"
  end

  test do
    (testpath/"test.c").write <<~C
      #include <stdlib.h>
      #include <tinyalloc.h>
      int main(void) {
        ta_stats_t now;
        free(malloc(100));
        return ta_stats(&now, sizeof now) != 0 || now.committed == 0;
      }
    C
    system ENV.cc, "test.c", "-I#{include}", "-L#{lib}", "-ltinyalloc", "-o", "test"
    system "./test"
    assert_match version.to_s, shell_output("#{bin}/tinyalloc --version")
  end
end
