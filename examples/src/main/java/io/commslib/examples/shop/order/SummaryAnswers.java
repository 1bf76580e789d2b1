package io.commslib.examples.shop.order;

import io.commslib.examples.shop.queries.OrderRequest;
import io.commslib.examples.shop.queries.OrdersGrpc;
import io.commslib.examples.shop.queries.StockLevels;
import io.commslib.examples.shop.queries.Summary;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.Optional;

/** What the order service answers over gRPC. */
final class SummaryAnswers extends OrdersGrpc.OrdersImplBase {

  private final OrderSummaries summaries;

  SummaryAnswers(OrderSummaries summaries) {
    this.summaries = summaries;
  }

  @Override
  public void summaryOf(OrderRequest request, StreamObserver<Summary> answer) {
    Optional<OrderSummary> found = summaries.summary(request.getOrderId());
    if (found.isEmpty()) {
      answer.onError(Status.NOT_FOUND.asRuntimeException());
      return;
    }
    answer.onNext(summary(found.get()));
    answer.onCompleted();
  }

  private static Summary summary(OrderSummary from) {
    Summary.Builder summary =
        Summary.newBuilder()
            .setOrderId(from.order().orderId())
            .setStatus(from.order().status())
            .setAmount(from.order().amount())
            .addAllMissing(from.missing());
    String price = from.price();
    if (price != null) {
      summary.setPrice(price);
    }
    Map<String, Long> stock = from.stock();
    if (stock != null) {
      summary.setStock(StockLevels.newBuilder().putAllPieces(stock));
    }
    return summary.build();
  }
}
