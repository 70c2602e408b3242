//===- LossCurve.cpp - how a loss fell, as a picture ----------------------===//
#include "LossCurve.h"

#include "Program.h"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace tenon;
using namespace tenon::runtime;

namespace {

struct Point {
  double step, loss;
};

/// Where steps and losses are on the page.
class Plot {
public:
  Plot(double steps, double least, double most)
      : steps(steps), low(std::log(least)), high(std::log(most)) {}

  double x(double step) const { return kLeft + kWidth * step / steps; }
  double y(double loss) const {
    return kTop + kHeight * (high - std::log(loss)) / (high - low);
  }
  std::string line(const std::vector<Point> &points, const char *color) const {
    std::string text = "<polyline fill=\"none\" stroke=\"" +
                       std::string(color) + "\" stroke-width=\"1.5\" points=\"";
    for (const Point &point : points)
      text += format("%.1f,%.1f ", x(point.step), y(point.loss));
    return text + "\"/>\n";
  }

  static constexpr double kLeft = 60, kTop = 20, kWidth = 560, kHeight = 300;

private:
  double steps, low, high;
};

constexpr const char *kColors[] = {"#4477aa", "#ee6677"};

} // namespace

/// Means of neighbours, at most so many of them.
static std::vector<Point> thin(const std::vector<Point> &points, size_t most) {
  size_t together = (points.size() + most - 1) / most;
  std::vector<Point> means;
  for (size_t begin = 0; begin < points.size(); begin += together) {
    size_t end = std::min(begin + together, points.size());
    Point sum{0, 0};
    for (size_t i = begin; i < end; ++i)
      sum = {sum.step + points[i].step, sum.loss + points[i].loss};
    auto count = static_cast<double>(end - begin);
    means.push_back({sum.step / count, sum.loss / count});
  }
  return means;
}

/// 1, 2 and 5 times powers of ten between two numbers.
static std::vector<double> roundNumbers(double least, double most) {
  std::vector<double> numbers;
  for (int power = -9; power < 10; ++power)
    for (double digit : {1.0, 2.0, 5.0})
      if (double number = digit * std::pow(10.0, power);
          number >= least && number <= most)
        numbers.push_back(number);
  return numbers;
}

std::string tenon::runtime::drawLossCurve(const OrderedJson &history) {
  std::vector<Point> losses, heldOut;
  for (const OrderedJson &line : history) {
    // A logarithm has no place for 0.
    auto add = [&](const char *key, std::vector<Point> &points) {
      if (line.contains(key))
        points.push_back({line["step"].get<double>(),
                          std::max(1e-6, line[key].get<double>())});
    };
    add("loss", losses);
    add("held_out_loss", heldOut);
  }
  losses = thin(losses, 280);
  double steps = 1, least = 1e9, most = 1e-9;
  for (const auto *points : {&losses, &heldOut})
    for (const Point &point : *points) {
      steps = std::max(steps, point.step);
      least = std::min(least, point.loss);
      most = std::max(most, point.loss);
    }
  Plot plot(steps, least / 1.1, most * 1.1);
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 370\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"640\" height=\"370\" fill=\"white\"/>\n";
  double right = Plot::kLeft + Plot::kWidth,
         bottom = Plot::kTop + Plot::kHeight;
  for (double loss : roundNumbers(least / 1.1, most * 1.1))
    svg += format("<path d=\"M%.0f %.1fH%.0f\" stroke=\"#ddd\"/>"
                  "<text x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
                  Plot::kLeft, plot.y(loss), right, Plot::kLeft - 6,
                  plot.y(loss) + 4, loss);
  for (int i = 0; i <= 4; ++i)
    svg += format("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%.0f"
                  "</text>\n",
                  plot.x(steps * i / 4), bottom + 18, steps * i / 4);
  svg += format("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"middle\">step</text>"
                "\n<text x=\"%.0f\" y=\"40\" text-anchor=\"end\" fill=\"%s\">"
                "loss</text>\n",
                (Plot::kLeft + right) / 2, bottom + 38, right - 8, kColors[0]);
  svg += plot.line(losses, kColors[0]);
  if (!heldOut.empty()) {
    svg += format("<text x=\"%.0f\" y=\"58\" text-anchor=\"end\" fill=\"%s\">"
                  "held-out loss, %.4f at the end</text>\n",
                  right - 8, kColors[1], heldOut.back().loss);
    svg += plot.line(heldOut, kColors[1]);
    for (const Point &point : heldOut)
      svg += format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
                    plot.x(point.step), plot.y(point.loss), kColors[1]);
  }
  return svg + "</svg>\n";
}
