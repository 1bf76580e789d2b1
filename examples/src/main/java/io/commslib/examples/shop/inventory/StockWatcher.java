package io.commslib.examples.shop.inventory;

import io.commslib.examples.shop.queries.StockLevels;
import io.grpc.stub.ServerCallStreamObserver;
import java.util.HashMap;
import java.util.Map;

/** One who watches the stock, with the levels that were sent. Thread-safe. */
final class StockWatcher {

  private static final int MAX_LEVELS = 500;

  private final ServerCallStreamObserver<StockLevels> to;
  private final Map<String, Long> sent = new HashMap<>();
  private boolean begun;
  private boolean ended;

  StockWatcher(ServerCallStreamObserver<StockLevels> to) {
    this.to = to;
  }

  /**
   * Sends levels that have changed in one message, if the reader is ready for it; the rest is sent
   * in the next round. The first message is sent even if there is no stock yet.
   */
  synchronized void send(Map<String, Long> levels) {
    Map<String, Long> changed = new HashMap<>();
    levels.forEach(
        (article, pieces) -> {
          if (changed.size() < MAX_LEVELS && !pieces.equals(sent.get(article))) {
            changed.put(article, pieces);
          }
        });
    if (!ended && to.isReady() && (!begun || !changed.isEmpty())) {
      to.onNext(StockLevels.newBuilder().putAllPieces(changed).build());
      sent.putAll(changed);
      begun = true;
    }
  }

  synchronized void end() {
    if (!ended && !to.isCancelled()) {
      to.onCompleted();
    }
    ended = true;
  }
}
