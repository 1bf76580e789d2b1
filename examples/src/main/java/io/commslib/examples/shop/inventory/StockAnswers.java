package io.commslib.examples.shop.inventory;

import io.commslib.core.tx.TransactionRunner;
import io.commslib.examples.shop.queries.OrderRequest;
import io.commslib.examples.shop.queries.StockGrpc;
import io.commslib.examples.shop.queries.StockLevels;
import io.commslib.examples.shop.queries.WatchRequest;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** What inventory answers over gRPC. */
final class StockAnswers extends StockGrpc.StockImplBase {

  private final TransactionRunner transactions;
  private final StockTable stock;
  private final StockFeed feed;

  StockAnswers(TransactionRunner transactions, StockTable stock, StockFeed feed) {
    this.transactions = transactions;
    this.stock = stock;
    this.feed = feed;
  }

  @Override
  public void stockLevel(OrderRequest request, StreamObserver<StockLevels> answer) {
    answer.onNext(
        StockLevels.newBuilder()
            .putAllPieces(transactions.run(tx -> stock.levelsOf(tx, request.getOrderId())))
            .build());
    answer.onCompleted();
  }

  @Override
  public void watchStock(WatchRequest request, StreamObserver<StockLevels> answer) {
    feed.add((ServerCallStreamObserver<StockLevels>) answer);
  }
}
