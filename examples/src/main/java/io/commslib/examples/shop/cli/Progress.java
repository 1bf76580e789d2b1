package io.commslib.examples.shop.cli;

import io.commslib.examples.shop.check.ShopReader;
import java.io.PrintStream;
import java.util.Locale;

/** Shows the progress of the shop: a bar on a terminal, plain lines otherwise. */
final class Progress {

  private static final int WIDTH = 30;
  private static final long LINE_NANOS = 2_000_000_000L;

  private final PrintStream out;
  private final boolean terminal;
  private final long total;
  private final long startNanos = System.nanoTime();
  private long lastLineNanos = startNanos - LINE_NANOS;

  Progress(PrintStream out, boolean terminal, long total) {
    this.out = out;
    this.terminal = terminal;
    this.total = total;
  }

  void show(long fed, ShopReader.Status status) {
    long now = System.nanoTime();
    if (!terminal && now - lastLineNanos < LINE_NANOS) {
      return;
    }
    lastLineNanos = now;
    String text =
        String.format(
            Locale.ROOT,
            "%5.1f s  fed %d of %d invoices, %d messages, %d unfinished, %d orders open",
            (now - startNanos) / 1e9,
            fed,
            total,
            status.committed(),
            status.unfinished(),
            status.unfinishedOrders());
    if (terminal) {
      int done = total == 0 ? WIDTH : (int) (WIDTH * fed / total);
      out.print("\r[" + "#".repeat(done) + " ".repeat(WIDTH - done) + "] " + text + "  ");
      out.flush();
    } else {
      out.println(text);
    }
  }

  /** Prints an extra line, for example for a kill. */
  void line(String text) {
    out.println((terminal ? "\r" : "") + text);
  }

  void end() {
    if (terminal) {
      out.println();
    }
  }
}
